#include "lib/flow/request.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"

#define REQUEST_TEXTS_MAX (64u * 1024u)
#define REQUEST_KEY_MAX 1024	/* bytes of SPKI DER */
#define REQUEST_SIG_MAX 80	/* bytes of a DER ECDSA P-256 signature */
#define REQUEST_KEY_SIG_MAX 512 /* bytes, of an RSA-4096 key */
#define REQUEST_PEM_MAX 32768	/* bytes of a csr_file */
#define REQUEST_SERIAL_MAX 20
#define REQUEST_CERT_MAX 16384 /* bytes of DER */

void request_init(struct request *r)
{
	memset(r, 0, sizeof(*r));
	buf_init(&r->texts, REQUEST_TEXTS_MAX);
	buf_init(&r->csr, REQUEST_CSR_MAX);
	buf_init(&r->seal_key, REQUEST_KEY_MAX);
	buf_init(&r->seal_sig, REQUEST_SIG_MAX);
	buf_init(&r->key_sig, REQUEST_KEY_SIG_MAX);
	buf_init(&r->spki, REQUEST_KEY_MAX);
	buf_init(&r->serial, REQUEST_SERIAL_MAX);
	buf_init(&r->cert, REQUEST_CERT_MAX);
	buf_init(&r->evidence, REQUEST_EVIDENCE_LEN + 2); /* while decoded */
}

void request_release(struct request *r)
{
	buf_release(&r->texts);
	buf_release(&r->csr);
	buf_release(&r->seal_key);
	buf_release(&r->seal_sig);
	buf_release(&r->key_sig);
	buf_release(&r->spki);
	buf_release(&r->serial);
	buf_release(&r->cert);
	buf_release(&r->evidence);
}

void request_reset(struct request *r)
{
	r->line = 0;
	r->id[0] = r->device[0] = r->role[0] = r->order[0] = '\0';
	r->fields_n = 0;
	r->host_key = false;
	r->replace = REQUEST_FIRST;
	r->parts = 0;
	r->fresh = false;
	buf_reset(&r->texts);
	buf_reset(&r->csr);
	buf_reset(&r->seal_key);
	buf_reset(&r->seal_sig);
	buf_reset(&r->key_sig);
	buf_reset(&r->spki);
	buf_reset(&r->serial);
	buf_reset(&r->cert);
	buf_reset(&r->evidence);
}

const char *request_text(const struct request *r, size_t offset)
{
	return (const char *)r->texts.data + offset;
}

static const char *const replace_names[] = { NULL, "rework", "scrap", "rotate",
					     NULL };

const char *request_replace_name(enum request_replace replace)
{
	return replace_names[replace];
}

const char *request_parts(const struct request *r)
{
	return r->parts > 0 ? request_text(r, r->parts - 1) : NULL;
}

const char *request_field(const struct request *r, const char *name)
{
	for (size_t i = 0; i < r->fields_n; i++)
		if (strcmp(request_text(r, r->fields[i].name), name) == 0)
			return request_text(r, r->fields[i].value);
	return NULL;
}

static enum pv_code set_name(char out[REQUEST_ID_MAX + 1], const char *key,
			     const char *value, struct err *err)
{
	size_t len = strlen(value);

	if (out[0])
		return err_fail(err, PV_INPUT, "request.duplicate",
				"give it once", "%s stands twice", key);
	if (!name_is_safe(value, len))
		return err_fail(err, PV_INPUT, "request.name",
				"1 to 64 of 0x21-0x7E, no '/', not starting "
				"with '.' or '-'",
				"%s is not a usable name", key);
	memcpy(out, value, len + 1);
	return PV_OK;
}

enum pv_code request_add_field(struct request *r, const char *name,
			       const char *value, struct err *err)
{
	size_t name_len = strlen(name);

	if (r->fields_n == REQUEST_FIELDS_MAX)
		return err_fail(err, PV_INPUT, "request.fields", NULL,
				"more than %d fields", REQUEST_FIELDS_MAX);
	if (!name_is_safe(name, name_len))
		return err_fail(err, PV_INPUT, "request.field", NULL,
				"a field's name is not usable");
	if (strlen(value) > REQUEST_FIELD_MAX)
		return err_fail(err, PV_INPUT, "request.field",
				"shorten the value",
				"field %s is longer than %d bytes", name,
				REQUEST_FIELD_MAX);
	if (r->fields_n > 0 && request_field(r, name))
		return err_fail(err, PV_INPUT, "request.field",
				"give each field once", "field %s stands twice",
				name);
	r->fields[r->fields_n].name = r->texts.len;
	buf_put(&r->texts, name, name_len + 1);
	r->fields[r->fields_n].value = r->texts.len;
	buf_put(&r->texts, value, strlen(value) + 1);
	r->fields_n++;
	return buf_check(&r->texts, err);
}

static enum pv_code set_csr_text(struct request *r, struct span text,
				 struct err *err)
{
	const char *label = pem_is(text, "NEW CERTIFICATE REQUEST")
				    ? "NEW CERTIFICATE REQUEST"
				    : "CERTIFICATE REQUEST";

	if (r->csr.len > 0)
		return err_fail(err, PV_INPUT, "request.csr",
				"give csr or csr_file, not both",
				"the request names two CSRs");
	return pem_decode(text, label, &r->csr, err);
}

/* Opens name below folder without leaving it (openat2 RESOLVE_BENEATH would
 * do, but older kernels lack it: each component is opened by itself). */
static enum pv_code open_below(int folder, const char *name, int *fd,
			       struct err *err)
{
	CLEANUP(fd_cleanup) int dir = dup(folder);
	char part[256];

	for (;;) {
		const char *slash = strchr(name, '/');
		size_t len = slash ? (size_t)(slash - name) : strlen(name);
		int next;

		if (len == 0 || len >= sizeof(part) || name[0] == '-' ||
		    (name[0] == '.' &&
		     (len == 1 || (len == 2 && name[1] == '.'))))
			return err_fail(
				err, PV_INPUT, "request.csr_file",
				"give a path below the request file's folder",
				"csr_file leaves the folder of the request "
				"file");
		memcpy(part, name, len);
		part[len] = '\0';
		if (!slash)
			return file_open(dir, part, FILEIO_NOFOLLOW, fd, err);
		next = openat(dir, part,
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return err_errno(err, PV_INPUT, "request.csr_file",
					 "check the path",
					 "cannot open the folder of csr_file");
		close(dir);
		dir = next;
		name = slash + 1;
	}
}

static enum pv_code read_fd(int fd, struct buf *out, struct err *err)
{
	for (;;) {
		uint8_t *room = buf_room(out, 4096);
		ssize_t n;

		if (!room)
			return err_fail(err, PV_INPUT, "file.size",
					"give a smaller file",
					"csr_file is longer than %d bytes",
					REQUEST_PEM_MAX);
		n = read(fd, room, 4096);
		if (n < 0 && errno != EINTR)
			return err_errno(err, PV_STORAGE, "file.read", NULL,
					 "cannot read csr_file");
		if (n == 0)
			return PV_OK;
		if (n > 0)
			buf_commit(out, (size_t)n);
	}
}

static enum pv_code set_csr_file(struct request *r, const char *name,
				 const struct request_source *src,
				 struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	struct buf text;
	enum pv_code rc;

	if (!src || src->folder < 0)
		return err_fail(err, PV_INPUT, "request.csr_file",
				"put the PEM text into csr",
				"csr_file cannot be read: requests on standard "
				"input have no folder, and a kernel without "
				"Landlock keeps no path inside one");
	rc = open_below(src->folder, name, &fd, err);
	if (rc == PV_NOT_FOUND)
		rc = err->code = PV_INPUT;
	if (rc != PV_OK)
		return rc;
	buf_init(&text, REQUEST_PEM_MAX + 4096);
	rc = read_fd(fd, &text, err);
	if (rc == PV_OK && text.len > 0 && text.data[0] == 0x30) {
		buf_put(&r->csr, text.data, text.len);
		rc = buf_check(&r->csr, err);
	} else if (rc == PV_OK) {
		rc = set_csr_text(r, buf_span(&text), err);
	}
	buf_release(&text);
	return rc;
}

/* rule: that of what is no signature, "request." and the key. */
static enum pv_code set_sig(struct buf *sig, size_t max, const char *rule,
			    const char *value, struct err *err)
{
	const char *key = rule + strlen("request.");
	uint8_t *room = buf_room(sig, max);
	size_t len;

	if (sig->len > 0)
		return err_fail(err, PV_INPUT, "request.duplicate",
				"give it once", "%s stands twice", key);
	if (!room || !base64_decode(value, strlen(value), room, max, &len))
		return err_fail(err, PV_INPUT, rule,
				"base64 of the DER signature",
				"%s is not base64 of a signature", key);
	buf_commit(sig, len);
	return PV_OK;
}

bool request_key_known(const char *key)
{
	static const char *const keys[] = {
		"request",  "device",	"role",		"csr",
		"csr_file", "seal_key", "seal_key_sig", "key_sig",
		"type",	    "replace",	"fields"
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

static enum pv_code unknown_key(const char *key, struct err *err)
{
	return err_fail(err, PV_INPUT, "request.unknown_key",
			"see provctl issue --help",
			"unknown key %.40s in the request", key);
}

static enum pv_code set_replace(struct request *r, const char *value,
				struct err *err)
{
	if (r->replace != REQUEST_FIRST)
		return err_fail(err, PV_INPUT, "request.duplicate",
				"give it once", "replace stands twice");
	for (size_t i = REQUEST_REWORK; i <= REQUEST_SCRAP; i++)
		if (strcmp(value, replace_names[i]) == 0) {
			r->replace = (enum request_replace)i;
			return PV_OK;
		}
	return err_fail(err, PV_INPUT, "request.replace",
			"say \"rework\" or \"scrap\"",
			"no reason to replace a device");
}

static enum pv_code set_base64(struct buf *to, const char *key,
			       const char *value, struct err *err)
{
	size_t max = BASE64_DECODED_MAX(strlen(value)), len;
	uint8_t *room = buf_room(to, max);

	if (to->len > 0 || !room ||
	    !base64_decode(value, strlen(value), room, max, &len))
		return err_fail(err, PV_INPUT, "request.renewal", NULL,
				"%s of a renewal is not base64, too long, or "
				"stands twice",
				key);
	buf_commit(to, len);
	return PV_OK;
}

/* What only a renewal has, which we wrote ourselves. */
static enum pv_code set_renewal(struct request *r, const char *key,
				const char *value, struct err *err)
{
	if (strcmp(key, "spki") == 0)
		return set_base64(&r->spki, key, value, err);
	if (strcmp(key, "serial") == 0)
		return set_base64(&r->serial, key, value, err);
	if (strcmp(key, "certificate") == 0)
		return set_base64(&r->cert, key, value, err);
	if (strcmp(key, "order") == 0)
		return set_name(r->order, key, value, err);
	if (strcmp(key, "fresh") == 0) {
		r->fresh = true;
		return PV_OK;
	}
	if (strcmp(key, "evidence") == 0)
		return set_base64(&r->evidence, key, value, err);
	if (strcmp(key, "release") == 0)
		r->replace = REQUEST_RELEASE;
	else if (strcmp(key, "components") != 0)
		return unknown_key(key, err);
	r->parts = r->texts.len + 1;
	buf_put(&r->texts, value, strlen(value) + 1);
	return buf_check(&r->texts, err);
}

enum pv_code request_set(struct request *r, const char *key, const char *value,
			 const struct request_source *src, struct err *err)
{
	struct span text = { (const uint8_t *)value, strlen(value) };

	if (strcmp(key, "request") == 0)
		return set_name(r->id, key, value, err);
	if (strcmp(key, "device") == 0)
		return set_name(r->device, key, value, err);
	if (strcmp(key, "role") == 0)
		return set_name(r->role, key, value, err);
	if (strcmp(key, "csr") == 0)
		return set_csr_text(r, text, err);
	if (strcmp(key, "csr_file") == 0)
		return set_csr_file(r, value, src, err);
	if (strcmp(key, "seal_key") == 0 && r->seal_key.len > 0)
		return err_fail(err, PV_INPUT, "request.duplicate",
				"give it once", "seal_key stands twice");
	if (strcmp(key, "seal_key") == 0)
		return pem_decode(text, "PUBLIC KEY", &r->seal_key, err);
	if (strcmp(key, "seal_key_sig") == 0)
		return set_sig(&r->seal_sig, REQUEST_SIG_MAX,
			       "request.seal_key_sig", value, err);
	if (strcmp(key, "key_sig") == 0)
		return set_sig(&r->key_sig, REQUEST_KEY_SIG_MAX,
			       "request.key_sig", value, err);
	if (strcmp(key, "type") == 0 && strcmp(value, "issue") == 0)
		return PV_OK;
	if (strcmp(key, "type") == 0)
		return err_fail(err, PV_DENIED, "request.type",
				"only \"issue\" is known here",
				"an unknown request type");
	if (strcmp(key, "replace") == 0)
		return set_replace(r, value, err);
	return src && src->renewal ? set_renewal(r, key, value, err)
				   : unknown_key(key, err);
}

static enum pv_code set_fields(struct request *r, json_t *fields,
			       struct err *err)
{
	const char *name;
	json_t *value;

	if (!json_is_object(fields))
		return err_fail(err, PV_INPUT, "request.fields", NULL,
				"fields is not an object");
	json_object_foreach(fields, name, value)
	{
		enum pv_code rc;

		if (!json_is_string(value))
			return err_fail(err, PV_INPUT, "request.fields",
					"give strings",
					"a field's value is not a string");
		rc = request_add_field(r, name, json_string_value(value), err);
		if (rc != PV_OK)
			return rc;
	}
	return PV_OK;
}

static enum pv_code set_object(struct request *r, json_t *root,
			       const struct request_source *src,
			       struct err *err)
{
	/* Names first: later errors can then say which request it was. */
	static const char *const names[] = { "device", "request" };
	const char *key;
	json_t *value;

	for (size_t i = 0; i < 2; i++) {
		const char *s =
			json_string_value(json_object_get(root, names[i]));
		enum pv_code rc = PV_OK;

		if (s)
			rc = request_set(r, names[i], s, src, err);
		if (rc != PV_OK)
			return rc;
	}
	json_object_foreach(root, key, value)
	{
		enum pv_code rc;

		if (!request_key_known(key) && !(src && src->renewal))
			rc = unknown_key(key, err);
		else if (strcmp(key, "fields") == 0)
			rc = set_fields(r, value, err);
		else if (!json_is_string(value))
			rc = err_fail(err, PV_INPUT, "request.value",
				      "give a string", "%.40s is not a string",
				      key);
		else if (strcmp(key, names[0]) == 0 ||
			 strcmp(key, names[1]) == 0)
			continue;
		else
			rc = request_set(r, key, json_string_value(value), src,
					 err);
		if (rc != PV_OK)
			return rc;
	}
	return PV_OK;
}

enum pv_code request_finish(struct request *r, struct err *err)
{
	if (!r->device[0])
		return err_fail(err, PV_INPUT, "request.device",
				"give \"device\"",
				"the request names no device");
	if (!r->id[0])
		memcpy(r->id, r->device, sizeof(r->id));
	return PV_OK;
}

/* The caller knows the line; of the text's own place the column is left. */
static void drop_line(struct err *err)
{
	size_t n = strlen(" line 1");
	char *at = err ? strstr(err->message, " at line 1 column ") : NULL;

	if (!at)
		return;
	at += strlen(" at");
	memmove(at, at + n, strlen(at + n) + 1);
}

enum pv_code request_parse(struct request *r, struct span json,
			   const struct request_source *src, struct err *err)
{
	uint64_t line = r->line;
	struct json_doc *doc = NULL;
	enum pv_code rc;

	request_reset(r);
	r->line = line;
	rc = json_parse_max(json, REQUEST_LINE_MAX, &doc, err);
	if (rc != PV_OK) {
		drop_line(err);
		return rc;
	}
	if (!json_is_object(json_root(doc)))
		rc = err_fail(err, PV_INPUT, "request.object",
			      "one JSON object a line",
			      "the request is not a JSON object");
	else
		rc = set_object(r, json_root(doc), src, err);
	json_doc_free(doc);
	return rc == PV_OK ? request_finish(r, err) : rc;
}
