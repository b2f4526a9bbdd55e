# SPDX-License-Identifier: MIT
# Libraries for operators on text, used where they are there:
#   RE2       RegexFullMatch
#   utf8proc  StringNormalizer, where it changes or ignores the case of letters
# A build without them reports these operators as not supported.
#
# The shared library takes in utf8proc's archive, where there is one, so that it needs no other file
# to start. Debian's archive of RE2 cannot go into a shared library: libre2.so it is.
option(MULLION_WITH_TEXT_LIBRARIES "Use RE2 and utf8proc where they are found" ON)
set(text_definitions "")
set(text_libraries "")         # for objects, tests and the static library
set(text_libraries_shared "")  # for the shared library
set(text_link_flags "")        # for pkg-config
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
  list(APPEND text_libraries_shared PkgConfig::RE2)
endif()

pkg_check_modules(UTF8PROC QUIET IMPORTED_TARGET GLOBAL libutf8proc)
if(UTF8PROC_FOUND)
  list(APPEND text_definitions MULLION_WITH_UTF8PROC)
  list(APPEND text_libraries PkgConfig::UTF8PROC)
  string(APPEND text_link_flags " -lutf8proc")
  find_library(UTF8PROC_ARCHIVE libutf8proc.a HINTS ${UTF8PROC_LIBRARY_DIRS})
  if(UTF8PROC_ARCHIVE)
    list(APPEND text_libraries_shared ${UTF8PROC_ARCHIVE})
  else()
    list(APPEND text_libraries_shared PkgConfig::UTF8PROC)
  endif()
endif()
