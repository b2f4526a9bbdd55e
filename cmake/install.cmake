# SPDX-License-Identifier: MIT
# `cmake --install BUILD --prefix P`: a tree that may be moved anywhere, and `product`, the target
# that builds all of it and nothing else.
include(CMakePackageConfigHelpers)
set(package_dir lib/cmake/Mullion)

install(DIRECTORY include/mullion DESTINATION include FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE THIRD_PARTY.md DESTINATION share/doc/mullion)
add_custom_target(product)

# mullion_install(EXPORT_SET targets...): those of the targets that this build has.
function(mullion_install export_set)
  foreach(target ${ARGN})
    if(TARGET ${target})
      add_dependencies(product ${target})
      install(TARGETS ${target} EXPORT ${export_set}
              LIBRARY DESTINATION lib ARCHIVE DESTINATION lib RUNTIME DESTINATION bin)
      set(installed TRUE)
    endif()
  endforeach()
  if(installed)
    install(EXPORT ${export_set} NAMESPACE Mullion:: DESTINATION ${package_dir})
  endif()
endfunction()

mullion_install(MullionTargets mullion_shared mullion_static)
mullion_install(MullionImageTargets mullion_image)

if(TARGET mullion)
  add_dependencies(product mullion)
  set_target_properties(mullion PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
  install(TARGETS mullion RUNTIME DESTINATION bin)
endif()

configure_file(cmake/MullionConfig.cmake.in ${CMAKE_BINARY_DIR}/package/MullionConfig.cmake @ONLY)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/MullionConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/package/MullionConfig.cmake
              ${CMAKE_BINARY_DIR}/package/MullionConfigVersion.cmake
        DESTINATION ${package_dir})

configure_file(cmake/mullion.pc.in ${CMAKE_BINARY_DIR}/package/mullion.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/package/mullion.pc DESTINATION lib/pkgconfig)

if(EXISTS ${CMAKE_SOURCE_DIR}/include/winrt)
  install(DIRECTORY include/winrt DESTINATION include FILES_MATCHING PATTERN "*.h")
  configure_file(cmake/mullion-winrt.pc.in ${CMAKE_BINARY_DIR}/package/mullion-winrt.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/package/mullion-winrt.pc DESTINATION lib/pkgconfig)
endif()
