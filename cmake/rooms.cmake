# SPDX-License-Identifier: MIT
# A room is a folder of src/. Its include path holds only itself and the rooms it may know, by way
# of a folder of links, so that an include the design forbids does not compile.

# mullion_room(folder SOURCES files... ROOMS folders... LINK libraries... PRECOMPILE headers...
#              OPTIMIZE flags of the release
#              NAME of a second target of the same folder, with flags of its own
#              PLAIN: no loops over elements, not optimized under the address sanitizer)
function(mullion_room folder)
  cmake_parse_arguments(ROOM "PLAIN" "NAME" "SOURCES;ROOMS;LINK;PRECOMPILE;OPTIMIZE" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  if(ROOM_NAME)
    set(name ${ROOM_NAME})
  endif()
  set(doors ${CMAKE_BINARY_DIR}/rooms/${name})
  file(REMOVE_RECURSE ${doors})
  foreach(room ${folder} ${ROOM_ROOMS})
    cmake_path(GET room PARENT_PATH parent)
    file(MAKE_DIRECTORY ${doors}/${parent})
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/src/${room} ${doors}/${room} SYMBOLIC)
  endforeach()
  add_library(mullion_room_${name} OBJECT ${ROOM_SOURCES})
  target_include_directories(mullion_room_${name} PRIVATE ${doors} ${CMAKE_SOURCE_DIR}/include
                                                     ${CMAKE_BINARY_DIR}/generated)
  target_link_libraries(mullion_room_${name} PRIVATE ${ROOM_LINK})
  target_compile_options(mullion_room_${name} PRIVATE "$<$<CONFIG:Release>:${ROOM_OPTIMIZE}>")
  # Nothing asks an object for its type; its description would be a tenth of a kilobyte a class.
  target_compile_options(mullion_room_${name} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>")
  if(ROOM_PLAIN AND MULLION_SANITIZE MATCHES "address")
    target_compile_options(mullion_room_${name} PRIVATE -O0)
  endif()
  if(MULLION_SANITIZE AND NOT name MATCHES "^devices_cpu")
    mullion_unite(mullion_room_${name} ${ROOM_SOURCES})
  endif()
  mullion_precompile(mullion_room_${name} ${ROOM_PRECOMPILE})
  set_property(GLOBAL APPEND PROPERTY MULLION_ROOMS mullion_room_${name})
endfunction()

# Compiles eight files of a target at a time, which halves the time of a build with sanitizers. Names
# in unnamed namespaces are therefore unique within a room; files that number a node's inputs or
# open a namespace stay apart.
function(mullion_unite target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  foreach(source ${ARGN})
    file(STRINGS ${source} apart REGEX "^(using namespace|enum (Input|Output)) ")
    if(apart)
      set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
endfunction()

# Writes `output`: a function `namespace::RegisterAll(registry)` that calls Register<File> of every
# source that defines one. "softmax.cc" defines RegisterSoftmax.
function(mullion_registration output namespace registry_header registry)
  set(declarations "")
  set(calls "")
  foreach(source ${ARGN})
    cmake_path(GET source STEM stem)
    string(REPLACE "_" ";" words ${stem})
    set(function "Register")
    foreach(word ${words})
      string(SUBSTRING ${word} 0 1 first)
      string(TOUPPER ${first} first)
      string(SUBSTRING ${word} 1 -1 rest)
      string(APPEND function "${first}${rest}")
    endforeach()
    file(STRINGS ${source} definition REGEX "^void ${function}\\(")
    if(definition)
      string(APPEND declarations "void ${function}(${registry}& registry);\n")
      string(APPEND calls "  ${function}(registry);\n")
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  endforeach()
  file(CONFIGURE OUTPUT ${output} CONTENT
"// Written by CMake from the names of the source files.
#include \"${registry_header}\"

namespace ${namespace} {

${declarations}
void RegisterAll([[maybe_unused]] ${registry}& registry) {
${calls}}

}  // namespace ${namespace}
" @ONLY)
endfunction()
