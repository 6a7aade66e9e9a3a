/*
 * A bad line between a sender and a device:
 *
 *   relay SOCKET SEED DAMAGE DROP TWICE RESETS EVERY DEVICE ARGUMENT...
 *
 * Listens at SOCKET for the sender, one after the other; runs DEVICE with its
 * end of the line as descriptor 3. Of 1000 frames either way DAMAGE get another
 * byte, DROP are lost, TWICE come twice. After EVERY frames of senders the
 * device is killed and started again, RESETS times. Ends with the device, with
 * its exit code; what it did is a line on standard error.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define FRAME_MAX 8192
#define DEVICE_FD 3

struct side {
	uint8_t frame[FRAME_MAX]; /* that has not ended yet */
	size_t len;
};

struct relay {
	char **device;
	pid_t child;
	int listener, sender, line; /* -1: none */
	unsigned damage, drop, twice, resets, every;
	uint64_t random;
	unsigned long frames, damaged, dropped, doubled, killed;
	struct side from_sender, from_device;
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static unsigned number(const char *s)
{
	return (unsigned)strtoul(s, NULL, 10);
}

static unsigned dice(struct relay *r)
{
	r->random = r->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(r->random >> 33) % 1000;
}

static void start(struct relay *r)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		die("socketpair");
	r->child = fork();
	if (r->child < 0)
		die("fork");
	if (r->child == 0) {
		if (ends[1] == DEVICE_FD)
			ends[1] = dup(ends[1]);
		if (dup2(ends[1], DEVICE_FD) < 0)
			die("dup2");
		execv(r->device[0], r->device);
		die(r->device[0]);
	}
	close(ends[1]);
	r->line = ends[0];
	r->from_device.len = 0;
}

static void put(int fd, const uint8_t *p, size_t len)
{
	while (fd >= 0 && len > 0) {
		ssize_t n = write(fd, p, len);

		if (n <= 0)
			return; /* it has gone: found by reading */
		p += n;
		len -= (size_t)n;
	}
}

/* One frame with its 00 as the line leaves it. */
static void pass(struct relay *r, uint8_t *p, size_t len, int to)
{
	if (dice(r) < r->drop) {
		r->dropped++;
		return;
	}
	if (dice(r) < r->damage) {
		p[(dice(r) * 1000 + dice(r)) % len] ^=
			(uint8_t)(1 + dice(r) % 255);
		r->damaged++;
	}
	put(to, p, len);
	if (dice(r) < r->twice) {
		put(to, p, len);
		r->doubled++;
	}
}

static void reset(struct relay *r)
{
	kill(r->child, SIGKILL);
	waitpid(r->child, NULL, 0);
	close(r->line);
	start(r);
	r->resets--;
	r->killed++;
}

/* False: the other end has closed. */
static bool forward(struct relay *r, struct side *s, int from, bool to_device)
{
	uint8_t bytes[1024];
	ssize_t n = read(from, bytes, sizeof(bytes));

	for (ssize_t i = 0; i < n; i++) {
		if (s->len < sizeof(s->frame))
			s->frame[s->len++] = bytes[i];
		if (bytes[i] != 0)
			continue;
		pass(r, s->frame, s->len, to_device ? r->line : r->sender);
		s->len = 0;
		if (to_device && ++r->frames % r->every == 0 && r->resets > 0)
			reset(r);
	}
	return n > 0;
}

static int ended(struct relay *r)
{
	int status;

	waitpid(r->child, &status, 0);
	fprintf(stderr,
		"relay: frames %lu damaged %lu dropped %lu doubled %lu "
		"resets %lu\n",
		r->frames, r->damaged, r->dropped, r->doubled, r->killed);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

static int run(struct relay *r)
{
	for (;;) {
		struct pollfd p[2] = {
			{ r->line, POLLIN, 0 },
			{ r->sender < 0 ? r->listener : r->sender, POLLIN, 0 }
		};

		if (poll(p, 2, -1) < 0)
			die("poll");
		if (p[0].revents &&
		    !forward(r, &r->from_device, r->line, false))
			return ended(r);
		if (!p[1].revents)
			continue;
		if (r->sender < 0) {
			r->sender =
				accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
			r->from_sender.len = 0;
		} else if (!forward(r, &r->from_sender, r->sender, true)) {
			close(r->sender);
			r->sender = -1;
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	static struct relay r;

	if (argc < 9 || strlen(argv[1]) + sizeof(".new") > sizeof(at.sun_path))
		return 2;
	signal(SIGPIPE, SIG_IGN);
	/* It gets its name when somebody listens. */
	snprintf(at.sun_path, sizeof(at.sun_path), "%s.new", argv[1]);
	r.random = number(argv[2]);
	r.damage = number(argv[3]);
	r.drop = number(argv[4]);
	r.twice = number(argv[5]);
	r.resets = number(argv[6]);
	r.every = number(argv[7]) ? number(argv[7]) : 1;
	r.device = argv + 8;
	r.sender = -1;
	r.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unlink(at.sun_path);
	if (r.listener < 0 ||
	    bind(r.listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(r.listener, 4) != 0 || rename(at.sun_path, argv[1]) != 0)
		die(argv[1]);
	start(&r);
	return run(&r);
}
