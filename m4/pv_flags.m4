# PV_CFLAG(FLAG): adds FLAG to PV_CFLAGS when compiler and linker take it.
AC_DEFUN([PV_CFLAG], [
  AC_MSG_CHECKING([whether $CC takes $1])
  pv_saved="$CFLAGS"
  CFLAGS="$CFLAGS -Werror $1"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <string.h>]], [[return (int)strlen("");]])],
    [AC_MSG_RESULT([yes]); PV_CFLAGS="$PV_CFLAGS $1"],
    [AC_MSG_RESULT([no])])
  CFLAGS="$pv_saved"
])

# PV_LDFLAG(FLAG): adds FLAG to PV_LDFLAGS when the linker takes it.
AC_DEFUN([PV_LDFLAG], [
  AC_MSG_CHECKING([whether the linker takes $1])
  pv_saved="$LDFLAGS"
  LDFLAGS="$LDFLAGS -Werror $1"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes]); PV_LDFLAGS="$PV_LDFLAGS $1"],
    [AC_MSG_RESULT([no])])
  LDFLAGS="$pv_saved"
])
