#!/bin/bash
# guestfs_tools.sh: virt-builder for tests, without what it needs to change images: the packages would bring
# an emulator, a boot loader and 130 others (250 MB). Prints a folder to be used as
#   PATH=FOLDER/usr/bin:$PATH LD_LIBRARY_PATH=FOLDER/usr/lib/ARCH-linux-gnu:FOLDER/lib/ARCH-linux-gnu
# which is made once in build/guestfs from Debian's packages (9 MB to download). Exit code 77, which ctest
# counts as skipped, when they cannot be had or do not run here.
#   STRATA_GUESTFS=DIR   instead of build/guestfs
set -euo pipefail
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
skip() {
  echo "SKIPPED: $*" >&2
  exit 77
}
# guestfs-tools, libguestfs and the libraries that it is linked with and few machines have.
packages=(guestfs-tools libguestfs0 libvirt0 libfuse2 libyajl2 libapparmor1 libnuma1 libssh-4 libssh2-1
  libcurl3-gnutls libjansson4)

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${STRATA_GUESTFS:-$top/build/guestfs}
mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9
if [[ $(cat "$folder/installed" 2>/dev/null) != "${packages[*]}" ]]; then
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || skip "no apt-get"
  rm -rf "$folder/root" "$folder/packages"
  mkdir "$folder/root" "$folder/packages"
  (cd "$folder/packages" && apt-get download "${packages[@]}") >"$folder/apt.log" 2>&1 ||
    skip "apt-get download: $(tail -n 3 "$folder/apt.log")"
  for package in "$folder/packages"/*.deb; do dpkg-deb --extract "$package" "$folder/root"; done
  rm -r "$folder/packages"
  echo "${packages[*]}" >"$folder/installed"
fi
arch=$(uname -m)-linux-gnu
PATH=$folder/root/usr/bin:$PATH \
  LD_LIBRARY_PATH=$folder/root/usr/lib/$arch:$folder/root/lib/$arch \
  virt-builder --version >"$folder/version" 2>&1 || skip "virt-builder does not run: $(head -n 1 "$folder/version")"
echo "$folder/root"
