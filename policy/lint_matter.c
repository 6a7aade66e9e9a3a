/*
 * Matter DAC, PAI and PAA (profiles.md): the rules bind every certificate
 * whose subject names a Matter vendor, as attribute or inside its CN.
 */
#include <string.h>

#include "policy/oid.h"
#include "policy/template_impl.h"

#define MATTER_VID "1.3.6.1.4.1.37244.2.1"
#define MATTER_PID "1.3.6.1.4.1.37244.2.2"

struct matter {
	struct node cert, subject, ext; /* for places */
	size_t vid, pid;		/* attributes */
	size_t cn_vid, cn_pid;		/* inside a CN */
	size_t cn;
};

static bool upper_hex4(const char *s)
{
	for (size_t i = 0; i < 4; i++)
		if (!((s[i] >= '0' && s[i] <= '9') ||
		      (s[i] >= 'A' && s[i] <= 'F')))
			return false;
	return true;
}

static enum pv_code bad_id(const struct node *n)
{
	return node_fail(n, "matter_id", "as FFF1",
			 "a Matter VID or PID is 4 upper-case hex digits, "
			 "written out");
}

static enum pv_code count_attribute(const struct node *n,
				    const struct profile_rdn *rdn,
				    size_t *count)
{
	const struct text *v = &rdn->value;

	++*count;
	if (v->n != 1 || v->parts[0].var != TEXT_LITERAL ||
	    strlen(v->parts[0].literal) != 4 ||
	    !upper_hex4(v->parts[0].literal))
		return bad_id(n);
	return PV_OK;
}

/* Each mark in the literals of a CN, followed by 4 digits. */
static enum pv_code count_in_cn(const struct node *n, const struct text *v,
				const char *mark, size_t *count)
{
	for (size_t i = 0; i < v->n; i++) {
		const char *s = v->parts[i].literal;

		while (s && (s = strstr(s, mark))) {
			s += strlen(mark);
			++*count;
			if (!upper_hex4(s))
				return bad_id(n);
		}
	}
	return PV_OK;
}

static enum pv_code count_ids(const struct template *t, struct matter *m)
{
	for (size_t i = 0; i < t->profile.subject_n; i++) {
		const struct profile_rdn *rdn = &t->profile.subject[i];
		struct node item = node_at(&m->subject, i);

		if (policy_oid_is(&rdn->oid, MATTER_VID))
			NODE_TRY(count_attribute(&item, rdn, &m->vid));
		else if (policy_oid_is(&rdn->oid, MATTER_PID))
			NODE_TRY(count_attribute(&item, rdn, &m->pid));
		if (!policy_oid_is(&rdn->oid, "2.5.4.3"))
			continue;
		m->cn++;
		NODE_TRY(count_in_cn(&item, &rdn->value, "Mvid:", &m->cn_vid));
		NODE_TRY(count_in_cn(&item, &rdn->value, "Mpid:", &m->cn_pid));
	}
	return PV_OK;
}

static enum pv_code lint_ids(const struct template *t, const struct matter *m)
{
	size_t vids = m->vid + m->cn_vid;
	size_t pids = m->pid + m->cn_pid;

	if ((m->vid || m->pid) && (m->cn_vid || m->cn_pid))
		return node_fail(&m->subject, "matter_mixed",
				 "use one encoding",
				 "VID and PID as attributes and inside CN");
	if (vids != 1 || pids > 1 || (!t->ca && pids != 1))
		return node_fail(&m->subject, "matter_pair", NULL,
				 t->ca ? "exactly one VID and at most one PID "
					 "are needed"
				       : "exactly one VID and one PID are "
					 "needed");
	if (m->cn == 0)
		return node_fail(&m->subject, "matter_cn", "add a CN",
				 "a Matter subject has a CN");
	return PV_OK;
}

static enum pv_code lint_dac(const struct template *t, const struct matter *m)
{
	const struct x509_profile *x = &t->profile;
	struct node basic = node_get(&m->ext, "basicConstraints");
	struct node usage = node_get(&m->ext, "keyUsage");

	if (t->algorithm != TPL_ALG_P256)
		return node_fail(&m->cert, "matter_algorithm", "use P-256",
				 "a Matter DAC certifies a P-256 key");
	if (!x->bc_present || !x->bc_critical)
		return node_fail(&basic, "matter_basic_constraints",
				 "{\"critical\": true, \"ca\": false}",
				 "a Matter DAC has critical basicConstraints");
	if (!x->ku_present || !x->ku_critical ||
	    x->ku_bits != KU_DIGITAL_SIGNATURE)
		return node_fail(&usage, "matter_key_usage",
				 "only digitalSignature, critical",
				 "a Matter DAC has critical keyUsage with only "
				 "digitalSignature");
	return PV_OK;
}

/* PAA when self-signed, else PAI. */
static enum pv_code lint_authority(const struct template *t,
				   const struct matter *m)
{
	const struct x509_profile *x = &t->profile;
	struct node basic = node_get(&m->ext, "basicConstraints");
	struct node usage = node_get(&m->ext, "keyUsage");
	bool paa = strcmp(x->issuer, "self") == 0;
	unsigned must = KU_KEY_CERT_SIGN | KU_CRL_SIGN;

	if (!paa && x->bc_path_len != 0)
		return node_fail(&basic, "matter_path_len", "set pathLen to 0",
				 "a Matter PAI has pathLen 0");
	if (paa && x->bc_path_len != -1 && x->bc_path_len != 1)
		return node_fail(&basic, "matter_path_len",
				 "leave pathLen out or set it to 1",
				 "a Matter PAA has pathLen 1 or none");
	if (paa && m->pid + m->cn_pid)
		return node_fail(&m->subject, "matter_pair", "remove the PID",
				 "a Matter PAA has no PID");
	if ((x->ku_bits & must) != must ||
	    (x->ku_bits & ~(must | KU_DIGITAL_SIGNATURE)))
		return node_fail(&usage, "matter_key_usage",
				 "keyCertSign and cRLSign, critical",
				 "a Matter PAA or PAI has keyCertSign and "
				 "cRLSign, at most digitalSignature besides");
	return PV_OK;
}

enum pv_code tpl_lint_matter(struct tpl_parse *p, const struct node *root)
{
	const struct template *t = p->t;
	struct matter m = { 0 };

	m.cert = node_get(root, "certificate");
	m.subject = node_get(&m.cert, "subject");
	m.ext = node_get(&m.cert, "extensions");
	NODE_TRY(count_ids(t, &m));
	if (m.vid + m.pid + m.cn_vid + m.cn_pid == 0)
		return PV_OK;
	NODE_TRY(lint_ids(t, &m));
	NODE_TRY(t->ca ? lint_authority(t, &m) : lint_dac(t, &m));
	if (!t->profile.ski || !t->profile.aki)
		return node_fail(&m.ext, "matter_key_ids",
				 "leave both identifiers at true",
				 "Matter asks for subjectKeyIdentifier and "
				 "authorityKeyIdentifier");
	return PV_OK;
}
