#!/bin/bash
# 1 GiB of gzip and of xz, 200 faults at random places each, 20 of them kill -9 of the server.
exec bash "$(dirname "$0")/upload_faults.sh" 1376 200 20
