#include "policy/binding.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "policy/node.h"

CLEANUP_PTR(struct json_doc, json_doc_free);

static enum pv_code take(const struct node *n, size_t max, char *out)
{
	const char *s = NULL;

	NODE_TRY(node_string(n, max, &s));
	if (s)
		memcpy(out, s, strlen(s) + 1);
	return PV_OK;
}

static enum pv_code take_source(const struct node *root, const char *key,
				char *out)
{
	static const char *const forms[] = { "file:/", "fd:", "systemd:" };
	struct node n = node_get(root, key);

	NODE_TRY(take(&n, BINDING_PATH_MAX, out));
	if (!n.v || strcmp(out, "prompt") == 0)
		return PV_OK;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strncmp(out, forms[i], strlen(forms[i])) == 0)
			return PV_OK;
	return node_fail(&n, "pin_source",
			 "use prompt, file:/PATH, fd:N or systemd:NAME",
			 "none of the known forms");
}

static enum pv_code take_tokens(const struct node *root, struct binding *b)
{
	struct node tokens = node_get(root, "tokens");

	NODE_TRY(node_need(&tokens));
	NODE_TRY(node_array(&tokens, 1, BINDING_TOKENS_MAX));
	for (size_t i = 0; i < json_array_size(tokens.v); i++) {
		struct node n = node_at(&tokens, i);
		const char *uri = "";

		NODE_TRY(node_string(&n, BINDING_URI_MAX, &uri));
		if (strncmp(uri, "pkcs11:", 7) != 0)
			return node_fail(&n, "token",
					 "write it as in RFC 7512: "
					 "pkcs11:token=NAME",
					 "no PKCS#11 URI");
		if (strstr(uri, "pin-value") || strstr(uri, "pin-source"))
			return node_fail(&n, "token",
					 "take it out; use pin_source",
					 "the URI holds a PIN, or where one "
					 "is");
		memcpy(b->tokens[b->tokens_n++], uri, strlen(uri) + 1);
	}
	return PV_OK;
}

static enum pv_code take_module(const struct node *root, struct binding *b)
{
	struct node n = node_get(root, "module");

	NODE_TRY(node_need(&n));
	NODE_TRY(take(&n, BINDING_PATH_MAX, b->module));
	if (b->module[0] == '/')
		return PV_OK;
	return node_fail(&n, "module",
			 "give the absolute path of the PKCS#11 module",
			 "no absolute path");
}

static enum pv_code parse(const struct node *root, struct binding *b)
{
	static const char *const keys[] = { "binding",	     "module",
					    "tokens",	     "pin_source",
					    "so_pin_source", NULL };
	struct node name = node_get(root, "binding");
	struct node pin = node_get(root, "pin_source");
	const char *s = NULL;

	NODE_TRY(node_object(root, keys));
	NODE_TRY(node_need(&name));
	NODE_TRY(node_name(&name, &s));
	snprintf(b->name, sizeof(b->name), "%s", s);
	NODE_TRY(take_module(root, b));
	NODE_TRY(take_tokens(root, b));
	NODE_TRY(node_need(&pin));
	NODE_TRY(take_source(root, "pin_source", b->pin_source));
	return take_source(root, "so_pin_source", b->so_pin_source);
}

enum pv_code binding_parse(struct span text, struct binding *out,
			   struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	struct node_reader r = { .area = "binding", .err = err };
	struct node root;

	memset(out, 0, sizeof(*out));
	NODE_TRY(json_parse_max(text, BINDING_SIZE_MAX, &doc, err));
	r.doc = doc;
	root = node_root(&r);
	NODE_TRY(sha256(text, out->sha256, err));
	return parse(&root, out);
}
