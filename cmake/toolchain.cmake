# SPDX-License-Identifier: MIT
# Language, warnings, sanitizers and the compiler cache: the same for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 99)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(launcher ${CMAKE_SOURCE_DIR}/cmake/ccache_launcher ${CMAKE_SOURCE_DIR} ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()

find_package(Threads REQUIRED)

add_compile_options(-Wall -Wextra -Werror -Wshadow -Wno-unknown-pragmas
                    $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of g++ 12 on inlined containers.
  add_compile_options(-Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread
                      -Wno-maybe-uninitialized -Wno-restrict -Wno-dangling-pointer)
endif()
add_compile_options(-ffunction-sections -fdata-sections -fno-math-errno -fno-trapping-math)
# Contraction is done by kernels that ask for it, so that results do not hang on the compiler.
add_compile_options(-ffp-contract=off)
if(NOT APPLE AND NOT EMSCRIPTEN)
  add_link_options(-Wl,--gc-sections)
endif()

if(MULLION_SANITIZE)
  add_compile_options(-fsanitize=${MULLION_SANITIZE} -fno-omit-frame-pointer -g1)
  if(MULLION_SANITIZE MATCHES "address")
    # What an access by a bad pointer shows anyway, at a fifth of the time to compile.
    add_compile_options(-fno-sanitize=null,vptr)
  endif()
  if(MULLION_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # a fence in the standard library's shared pointers
  endif()
  add_link_options(-fsanitize=${MULLION_SANITIZE})
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  # Links the programs of the tests in half the time.
  include(CheckLinkerFlag)
  check_linker_flag(CXX -fuse-ld=gold MULLION_HAS_GOLD)
  if(MULLION_HAS_GOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_link_options(-fuse-ld=gold)
  endif()
endif()
if(MULLION_ONE_TARGET)
  add_compile_definitions(MULLION_ONE_TARGET)
endif()

# mullion_precompile(target headers...): compiles the headers that most sources of the target share
# once, which more than halves its build. A source must still include what it uses: the preset debug
# and scripts/portable build without.
option(MULLION_PRECOMPILE "Precompile headers" ON)
function(mullion_precompile target)
  if(MULLION_PRECOMPILE AND ARGN)
    # In angle brackets, so that no path of this folder comes into the compiler cache.
    list(TRANSFORM ARGN REPLACE "(.+)" "$<$<COMPILE_LANGUAGE:CXX>:<\\1$<ANGLE-R>>")
    target_precompile_headers(${target} PRIVATE ${ARGN})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
    endif()
  endif()
endfunction()
