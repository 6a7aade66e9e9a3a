/*
 * csign MODULE PIN_FILE LABEL PROCESSES SECONDS: the bare loop of C_SignInit
 * and C_Sign (ECDSA P-256 over a digest) on n processes, each logged in once;
 * prints {"processes":n,"signatures":m,"wall_s":s,"per_s":r}. Nothing that
 * provctl adds is in it: the token's own speed.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct token {
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
};

static int find_key(struct token *t, const char *label)
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

static int open_token(struct token *t, const char *module, const char *pin_file,
		      const char *label)
{
	unsigned char pin[256];
	CK_C_GetFunctionList get;
	CK_SLOT_ID slots[16];
	CK_ULONG n = 16;
	int fd = open(pin_file, O_RDONLY), ok;
	ssize_t len = read(fd, pin, sizeof(pin));
	void *lib = dlopen(module, RTLD_NOW);

	close(fd);
	while (len > 0 && pin[len - 1] == '\n')
		len--;
	get = lib ? (CK_C_GetFunctionList)dlsym(lib, "C_GetFunctionList") : NULL;
	ok = get && len > 0 && get(&t->f) == CKR_OK &&
	     t->f->C_Initialize(NULL) == CKR_OK &&
	     t->f->C_GetSlotList(CK_TRUE, slots, &n) == CKR_OK && n > 0 &&
	     t->f->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL,
				 &t->session) == CKR_OK &&
	     t->f->C_Login(t->session, CKU_USER, pin, (CK_ULONG)len) == CKR_OK &&
	     find_key(t, label);
	explicit_bzero(pin, sizeof(pin));
	return ok;
}

static unsigned long loop(struct token *t, double seconds)
{
	CK_MECHANISM mechanism = { CKM_ECDSA, NULL, 0 };
	unsigned char digest[32] = { 1 }, sig[64];
	double until = now_s() + seconds;
	unsigned long n = 0;

	while (now_s() < until) {
		CK_ULONG len = sizeof(sig);

		digest[0] = (unsigned char)n;
		if (t->f->C_SignInit(t->session, &mechanism, t->key) != CKR_OK ||
		    t->f->C_Sign(t->session, digest, sizeof(digest), sig,
				 &len) != CKR_OK)
			return 0;
		n++;
	}
	return n;
}

static void child(char **argv, double seconds, int lock, int ready, int go,
		  int out)
{
	struct token t = { 0 };
	unsigned long n;
	char c = 'r';
	int ok;

	/* One login at a time: SoftHSM rewrites its token there. */
	flock(lock, LOCK_EX);
	ok = open_token(&t, argv[1], argv[2], argv[3]);
	flock(lock, LOCK_UN);
	if (!ok || write(ready, &c, 1) != 1 || read(go, &c, 1) != 1)
		_exit(1);
	n = loop(&t, seconds);
	_exit(n > 0 && write(out, &n, sizeof(n)) == (ssize_t)sizeof(n) ? 0 : 1);
}

int main(int argc, char **argv)
{
	int procs = argc == 6 ? atoi(argv[4]) : 0;
	double seconds = argc == 6 ? strtod(argv[5], NULL) : 0, start;
	int ready[2], go[2], out[2];
	unsigned long sum = 0;
	char path[] = "/tmp/csign-lock-XXXXXX", c;
	int made;

	if (procs < 1 || procs > 64 || pipe(ready) || pipe(go) || pipe(out))
		return 2;
	made = mkstemp(path);
	close(made);
	for (int i = 0; i < procs; i++)
		if (fork() == 0)
			child(argv, seconds, open(path, O_RDWR), ready[1],
			      go[0], out[1]);
	close(ready[1]);
	close(out[1]);
	for (int i = 0; i < procs; i++)
		if (read(ready[0], &c, 1) != 1)
			return unlink(path), 1;
	unlink(path);
	start = now_s();
	for (int i = 0; i < procs; i++)
		if (write(go[1], "g", 1) != 1)
			return 1;
	for (int i = 0; i < procs; i++) {
		unsigned long n;

		if (read(out[0], &n, sizeof(n)) != (ssize_t)sizeof(n))
			return 1;
		sum += n;
	}
	printf("{\"processes\":%d,\"signatures\":%lu,\"wall_s\":%.3f,\"per_s\":%.1f}\n",
	       procs, sum, now_s() - start, (double)sum / (now_s() - start));
	while (wait(NULL) > 0)
		;
	return 0;
}
