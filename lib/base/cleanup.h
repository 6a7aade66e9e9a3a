/* cleanup: scope-bound release, the only such macros in the tree. */
#ifndef PV_BASE_CLEANUP_H
#define PV_BASE_CLEANUP_H

#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Defines cleanup_<fn>(T **p) for a destructor fn(T *) that accepts NULL. */
#define CLEANUP_PTR(type, fn)                                                  \
	static inline void cleanup_##fn(type **p)                              \
	{                                                                      \
		fn(*p);                                                        \
	}                                                                      \
	struct cleanup_needs_semicolon_##fn

/* Moves a pointer out of a cleanup variable: the variable is NULL after. */
#define TAKE(p)                                                                \
	({                                                                     \
		__typeof__(p) take_ = (p);                                     \
		(p) = NULL;                                                    \
		take_;                                                         \
	})

/* Moves a descriptor out of a cleanup variable: the variable is -1 after. */
#define TAKE_FD(fd)                                                            \
	({                                                                     \
		int take_ = (fd);                                              \
		(fd) = -1;                                                     \
		take_;                                                         \
	})

#endif
