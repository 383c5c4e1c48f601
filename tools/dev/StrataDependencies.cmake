# Third-party packages, all from Debian 12. A target is linked only by the library that wraps it
# (../../tests/lint holds the table); nothing under include/strata includes their headers.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(OpenSSL 3.0 REQUIRED)
find_package(RocksDB 7.8 REQUIRED CONFIG)
find_package(zstd REQUIRED CONFIG)
find_package(LibLZMA REQUIRED)
find_package(ZLIB REQUIRED)
find_package(LibXml2 REQUIRED)
find_package(tomlplusplus REQUIRED CONFIG)
find_package(CLI11 REQUIRED CONFIG)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED CONFIG)
find_package(SQLite3 REQUIRED) # the rival of a benchmark
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75)
pkg_check_modules(XMLSEC REQUIRED IMPORTED_TARGET xmlsec1-openssl)
pkg_check_modules(ISAL IMPORTED_TARGET libisal) # x86-64 and arm64; zlib stands in elsewhere
