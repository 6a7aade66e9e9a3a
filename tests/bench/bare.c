#include "tests/bench/bare.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIN_CAP 256

double bare_now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

size_t bare_read_pin(const char *file, unsigned char *pin, size_t cap)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, pin, cap) : 0;

	if (fd >= 0)
		close(fd);
	while (len > 0 && pin[len - 1] == '\n')
		len--;
	return len > 0 ? (size_t)len : 0;
}

static bool find_key(struct bare_token *t, const char *label)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE want[] = { { CKA_CLASS, &class, sizeof(class) },
				{ CKA_LABEL, (void *)(size_t)label,
				  strlen(label) } };
	CK_ULONG n = 0;

	return t->f->C_FindObjectsInit(t->session, want, 2) == CKR_OK &&
	       t->f->C_FindObjects(t->session, &t->key, 1, &n) == CKR_OK &&
	       t->f->C_FindObjectsFinal(t->session) == CKR_OK && n == 1;
}

bool bare_token_open(struct bare_token *t, const char *module,
		     const char *pin_file, const char *label)
{
	unsigned char pin[PIN_CAP];
	CK_C_GetFunctionList get;
	CK_SLOT_ID slots[16];
	CK_ULONG n = 16;
	size_t len = bare_read_pin(pin_file, pin, sizeof(pin));
	void *lib = dlopen(module, RTLD_NOW);
	bool ok;

	get = lib ? (CK_C_GetFunctionList)dlsym(lib, "C_GetFunctionList")
		  : NULL;
	ok = get && len > 0 && get(&t->f) == CKR_OK &&
	     t->f->C_Initialize(NULL) == CKR_OK &&
	     t->f->C_GetSlotList(CK_TRUE, slots, &n) == CKR_OK && n > 0 &&
	     t->f->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL,
				 &t->session) == CKR_OK &&
	     t->f->C_Login(t->session, CKU_USER, pin, (CK_ULONG)len) ==
		     CKR_OK &&
	     find_key(t, label);
	explicit_bzero(pin, sizeof(pin));
	return ok;
}

bool bare_sign(const struct bare_token *t, const uint8_t digest[static 32],
	       uint8_t sig[static 64])
{
	CK_MECHANISM mechanism = { CKM_ECDSA, NULL, 0 };
	CK_ULONG len = 64;

	return t->f->C_SignInit(t->session, &mechanism, t->key) == CKR_OK &&
	       t->f->C_Sign(t->session, (CK_BYTE *)(size_t)digest, 32, sig,
			    &len) == CKR_OK &&
	       len == 64;
}

struct ends {
	int lock;
	int ready[2], go[2], out[2];
};

__attribute__((noreturn)) static void child(const struct bare_job *job,
					    int index, int processes,
					    const struct ends *e,
					    const char *lock_path)
{
	double values[BARE_VALUES] = { 0 };
	int lock = open(lock_path, O_RDWR | O_CLOEXEC);
	char c = 'r';
	bool ok = lock >= 0 &&
		  (!job->prepare || job->prepare(job->ctx, index, processes));

	if (ok && flock(lock, LOCK_EX) == 0) {
		ok = job->login(job->ctx);
		flock(lock, LOCK_UN);
	}
	if (!ok || write(e->ready[1], &c, 1) != 1 ||
	    read(e->go[0], &c, 1) != 1 || !job->work(job->ctx, values))
		_exit(1);
	_exit(write(e->out[1], values, sizeof(values)) ==
			      (ssize_t)sizeof(values)
		      ? 0
		      : 1);
}

static bool collect(const struct ends *e, int processes, double *values,
		    double *wall_s)
{
	double start, got[BARE_VALUES];
	char c;

	for (int i = 0; i < processes; i++)
		if (read(e->ready[0], &c, 1) != 1)
			return false;
	start = bare_now_s();
	for (int i = 0; i < processes; i++)
		if (write(e->go[1], "g", 1) != 1)
			return false;
	for (int i = 0; i < processes; i++) {
		if (read(e->out[0], got, sizeof(got)) != (ssize_t)sizeof(got))
			return false;
		for (int v = 0; v < BARE_VALUES; v++)
			values[v] += got[v];
	}
	*wall_s = bare_now_s() - start;
	return true;
}

bool bare_run(const struct bare_job *job, int processes,
	      double values[static BARE_VALUES], double *wall_s)
{
	char path[] = "/tmp/bare-lock-XXXXXX";
	struct ends e;
	int made;
	bool ok;

	if (processes < 1 || processes > BARE_PROCESSES_MAX || pipe(e.ready) ||
	    pipe(e.go) || pipe(e.out))
		return false;
	made = mkstemp(path);
	if (made < 0)
		return false;
	close(made);
	memset(values, 0, BARE_VALUES * sizeof(*values));
	for (int i = 0; i < processes; i++)
		if (fork() == 0)
			child(job, i, processes, &e, path);
	/* A child that fails closes its ends: reading then ends, too. */
	close(e.ready[1]);
	close(e.out[1]);
	ok = collect(&e, processes, values, wall_s);
	unlink(path);
	close(e.go[1]);
	while (wait(NULL) > 0)
		;
	return ok;
}
