# SPDX-License-Identifier: MIT
# CMake toolchain file: WebAssembly with SIMD and threads, by Debian's Emscripten.
include(/usr/share/emscripten/cmake/Modules/Platform/Emscripten.cmake)
set(CMAKE_C_FLAGS_INIT "-msimd128 -pthread")
set(CMAKE_CXX_FLAGS_INIT "-msimd128 -pthread")
