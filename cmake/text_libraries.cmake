# SPDX-License-Identifier: MIT
# RE2, for RegexFullMatch, where it is there: a build without it reports the operator as not
# supported. Debian's archive of it cannot go into a shared library: libre2.so it is.
option(MULLION_WITH_TEXT_LIBRARIES "Use RE2 where it is found" ON)
set(text_definitions "")
set(text_libraries "")
set(text_link_flags "")  # for pkg-config
if(NOT MULLION_WITH_TEXT_LIBRARIES OR CMAKE_CROSSCOMPILING)
  return()
endif()
find_package(PkgConfig QUIET)
if(NOT PkgConfig_FOUND)
  return()
endif()

pkg_check_modules(RE2 QUIET IMPORTED_TARGET GLOBAL re2)
if(RE2_FOUND)
  list(APPEND text_definitions MULLION_WITH_RE2)
  list(APPEND text_libraries PkgConfig::RE2)
  string(APPEND text_link_flags " -lre2")
endif()
