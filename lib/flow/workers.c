#include "lib/flow/workers.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/mem.h"

struct worker {
	struct workers *all;
	size_t index;
	pthread_t thread;
};

struct workers {
	workers_fn *run;
	void *ctx;
	struct worker threads[WORKERS_MAX];
	size_t n;
	int fd;
	pthread_mutex_t lock;
	pthread_cond_t more, idle;
	/* Guarded by lock. */
	void *queue[WORKERS_QUEUE_MAX]; /* a ring */
	size_t first, waiting;		/* of the ring */
	size_t under_way, ended;
	bool stop;
};

static void *take_first(struct workers *w)
{
	void *piece = w->queue[w->first];

	w->first = (w->first + 1) % WORKERS_QUEUE_MAX;
	w->waiting--;
	w->under_way++;
	return piece;
}

static void *work(void *arg)
{
	struct worker *me = arg;
	struct workers *w = me->all;
	const uint64_t one = 1;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		void *piece;

		if (w->waiting == 0) {
			pthread_cond_wait(&w->more, &w->lock);
			continue;
		}
		piece = take_first(w);
		pthread_mutex_unlock(&w->lock);
		w->run(w->ctx, me->index, piece);
		pthread_mutex_lock(&w->lock);
		if (--w->under_way == 0)
			pthread_cond_signal(&w->idle);
		w->ended++;
		/* Cannot fail: the counter would need 2^64 pieces. */
		if (write(w->fd, &one, sizeof(one)) != sizeof(one))
			w->stop = true;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

enum pv_code workers_start(size_t n, workers_fn *run, void *ctx,
			   struct workers **out, struct err *err)
{
	struct workers *w = mem_new(sizeof(*w), err);

	if (!w)
		return PV_INTERNAL;
	w->run = run;
	w->ctx = ctx;
	w->fd = -1;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	pthread_cond_init(&w->idle, NULL);
	*out = w;
	if (n == 0)
		return PV_OK;
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	while (w->fd >= 0 && w->n < n && w->n < WORKERS_MAX) {
		struct worker *t = &w->threads[w->n];

		t->all = w;
		t->index = w->n;
		if (pthread_create(&t->thread, NULL, work, t) != 0)
			break;
		w->n++;
	}
	if (w->n == n)
		return PV_OK;
	workers_stop(w);
	*out = NULL;
	return err_errno(err, PV_INTERNAL, "process.thread", NULL,
			 "cannot start the threads of a signer");
}

enum pv_code workers_put(struct workers *w, void *piece, struct err *err)
{
	bool full;

	pthread_mutex_lock(&w->lock);
	full = w->waiting == WORKERS_QUEUE_MAX;
	if (!full) {
		w->queue[(w->first + w->waiting) % WORKERS_QUEUE_MAX] = piece;
		w->waiting++;
		pthread_cond_signal(&w->more);
	}
	pthread_mutex_unlock(&w->lock);
	return full ? err_fail(err, PV_INTERNAL, "process.thread", NULL,
			       "too much work for the threads of a signer")
		    : PV_OK;
}

bool workers_help(struct workers *w)
{
	void *piece;

	if (w->n > 0 || w->waiting == 0)
		return false;
	piece = take_first(w);
	w->run(w->ctx, 0, piece);
	w->under_way--;
	w->ended++;
	return true;
}

size_t workers_waiting(const struct workers *w, void **pieces, size_t max)
{
	size_t n = w->n > 0 ? 0 : w->waiting;

	for (size_t i = 0; i < n && i < max; i++)
		pieces[i] = w->queue[(w->first + i) % WORKERS_QUEUE_MAX];
	return n;
}

void workers_drop(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	w->waiting = 0;
	while (w->under_way > 0)
		pthread_cond_wait(&w->idle, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

void workers_drain(struct workers *w)
{
	while (workers_help(w))
		;
	pthread_mutex_lock(&w->lock);
	while (w->waiting + w->under_way > 0)
		pthread_cond_wait(&w->idle, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

size_t workers_done(struct workers *w)
{
	uint64_t count;
	size_t ended;

	pthread_mutex_lock(&w->lock);
	ended = w->ended;
	w->ended = 0;
	if (w->fd >= 0 && read(w->fd, &count, sizeof(count)) < 0)
		count = 0; /* nothing had ended */
	pthread_mutex_unlock(&w->lock);
	return ended;
}

int workers_fd(const struct workers *w)
{
	return w->fd;
}

void workers_stop(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 0; i < w->n; i++)
		pthread_join(w->threads[i].thread, NULL);
	if (w->fd >= 0)
		close(w->fd);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->more);
	pthread_cond_destroy(&w->idle);
	free(w);
}
