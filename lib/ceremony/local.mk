# Ceremonies: a plan run step by step, its transcript, what people are asked.
noinst_LIBRARIES += lib/ceremony/libpvceremony.a
lib_ceremony_libpvceremony_a_SOURCES = \
	lib/ceremony/askcheck.c lib/ceremony/askcheck.h lib/ceremony/backupcheck.c \
	lib/ceremony/backupcheck.h lib/ceremony/ceremony.c lib/ceremony/ceremony.h \
	lib/ceremony/ceremony_approvals.c lib/ceremony/ceremony_aside.c \
	lib/ceremony/ceremony_aside.h lib/ceremony/ceremony_backup.c \
	lib/ceremony/ceremony_backup.h lib/ceremony/ceremony_begin.c \
	lib/ceremony/ceremony_cas.c lib/ceremony/ceremony_cas.h \
	lib/ceremony/ceremony_crls.c lib/ceremony/ceremony_destroy.c \
	lib/ceremony/ceremony_entries.c lib/ceremony/ceremony_impl.h \
	lib/ceremony/ceremony_import.c lib/ceremony/ceremony_import_next.c \
	lib/ceremony/ceremony_keys.c lib/ceremony/ceremony_kinds.h \
	lib/ceremony/ceremony_log.c lib/ceremony/ceremony_login.c \
	lib/ceremony/ceremony_make_csr.c lib/ceremony/ceremony_media.c \
	lib/ceremony/ceremony_media.h lib/ceremony/ceremony_next.c \
	lib/ceremony/ceremony_pin.c lib/ceremony/ceremony_planned.c \
	lib/ceremony/ceremony_ready.c lib/ceremony/ceremony_ready.h \
	lib/ceremony/ceremony_restore.c lib/ceremony/ceremony_room.c \
	lib/ceremony/ceremony_room.h lib/ceremony/ceremony_sign_csr.c \
	lib/ceremony/ceremony_steps.c lib/ceremony/ceremony_take_key.c \
	lib/ceremony/ceremony_texts.c lib/ceremony/ceremony_transport.c \
	lib/ceremony/ceremony_transport.h lib/ceremony/ceremonyblanks.c \
	lib/ceremony/ceremonyblanks.h lib/ceremony/ceremonycheck.c \
	lib/ceremony/ceremonycheck.h lib/ceremony/ceremonycheck_approvals.c \
	lib/ceremony/ceremonycheck_approvals.h lib/ceremony/ceremonycheck_files.c \
	lib/ceremony/ceremonycheck_files.h lib/ceremony/ceremonycheck_impl.h \
	lib/ceremony/ceremonycheck_keys.c lib/ceremony/ceremonycheck_lines_impl.h \
	lib/ceremony/ceremonycheck_made.c lib/ceremony/ceremonycheck_note.c \
	lib/ceremony/ceremonycheck_shown.c lib/ceremony/ceremonycheck_shown.h \
	lib/ceremony/ceremonycheck_transport.c lib/ceremony/ceremonycheck_window.c \
	lib/ceremony/ceremonyended.c lib/ceremony/ceremonyended.h \
	lib/ceremony/ceremonypage.c lib/ceremony/ceremonypage.h \
	lib/ceremony/ceremonypoints.c lib/ceremony/ceremonypoints.h \
	lib/ceremony/ceremonyscript.c lib/ceremony/ceremonyscript.h \
	lib/ceremony/ceremonysign.c lib/ceremony/ceremonysign.h \
	lib/ceremony/certfacts.c lib/ceremony/certfacts.h lib/ceremony/init.c \
	lib/ceremony/init.h lib/ceremony/init_approved.c lib/ceremony/init_clock.c \
	lib/ceremony/init_folder.c lib/ceremony/init_impl.h \
	lib/ceremony/init_pins.c lib/ceremony/init_resume.c lib/ceremony/init_run.c \
	lib/ceremony/init_softhsm.c lib/ceremony/keyseen.c lib/ceremony/keyseen.h \
	lib/ceremony/later.c lib/ceremony/later.h lib/ceremony/later_approved.c \
	lib/ceremony/later_ask.c lib/ceremony/later_check.c \
	lib/ceremony/later_impl.h lib/ceremony/later_on.c lib/ceremony/media.c \
	lib/ceremony/media.h lib/ceremony/mediabox.c lib/ceremony/mediabox.h \
	lib/ceremony/mediabox_child.c lib/ceremony/mediabox_impl.h \
	lib/ceremony/mediabox_wire.c lib/ceremony/plantemplate.c \
	lib/ceremony/plantemplate.h lib/ceremony/rehearsed.c \
	lib/ceremony/rehearsed.h
