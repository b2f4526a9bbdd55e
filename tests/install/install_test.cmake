# SPDX-License-Identifier: MIT
# One way from an installed tree to a running program:
#   cmake -DWAY=cmake|cmake_static|pkg_config -DBUILD=... -DWORK=... -DCXX=... -DDIGITS=... -P this
cmake_minimum_required(VERSION 3.25)
set(here ${CMAKE_CURRENT_LIST_DIR})
set(prefix ${WORK}/moved)

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${result}:\n${text}")
  endif()
  set(output "${text}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/first)
file(RENAME ${WORK}/first ${prefix})

if(WAY STREQUAL "pkg_config")
  set(ENV{PKG_CONFIG_PATH} ${prefix}/lib/pkgconfig)
  run(pkg-config --cflags --libs mullion)
  separate_arguments(flags UNIX_COMMAND "${output}")
  run(${CXX} -std=c++20 ${here}/program.cc -o ${WORK}/program ${flags})
  set(ENV{LD_LIBRARY_PATH} ${prefix}/lib)
else()
  set(library Mullion::Mullion)
  if(WAY STREQUAL "cmake_static")
    set(library Mullion::static)
  endif()
  run(${CMAKE_COMMAND} -S ${here}/project -B ${WORK} -DCMAKE_CXX_COMPILER=${CXX}
      -DCMAKE_PREFIX_PATH=${prefix} -DLIBRARY=${library})
  run(${CMAKE_COMMAND} --build ${WORK})
endif()

run(${WORK}/program ${DIGITS}/digits.onnx)
if(NOT output MATCHES "^ok ")
  message(FATAL_ERROR "the program printed: ${output}")
endif()

# Nothing in the tree may name the place it was first installed to, or this build's folders.
file(GLOB_RECURSE texts ${prefix}/*.cmake ${prefix}/*.pc ${prefix}/*.h)
foreach(file ${texts})
  file(READ ${file} text)
  foreach(place ${WORK}/first ${BUILD})
    string(FIND "${text}" "${place}" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${file} names ${place}: the tree cannot be moved")
    endif()
  endforeach()
endforeach()

if(EXISTS ${prefix}/bin/mullion)
  run(${prefix}/bin/mullion info ${DIGITS}/digits.onnx)
endif()
