#include "db/tls.h"

#include <dirent.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/text.h"

/* OpenSSL loads these before it reads its configuration; OpenSSL 4 has none. */
#ifdef OPENSSL_INIT_ENGINE_ALL_BUILTIN
#define INIT_ENGINES OPENSSL_INIT_ENGINE_ALL_BUILTIN
#else
#define INIT_ENGINES 0
#endif

#define CONFIG_MAX_BYTES 4096
/* One CA is 1 to 3 KiB. */
#define BUNDLE_MIN_BYTES 16384
#define FORGOTTEN_MAX    3

/* --- P-256 first --- */

/* OpenSSL 3.5 and later sends a key share for each group with a star; to others a star is an
 * error. */
static const char *
groups(void)
{
	if (OpenSSL_version_num() >= 0x30500000L)
		return "*P-256:*X25519:X448:P-384:P-521";
	return "P-256:X25519:X448:P-384:P-521";
}

/* OpenSSL reads one init section, so ours is added to the system's, and our groups to its defaults
 * for TLS. Returns false if the system sets groups itself. */
static bool
write_config(const CONF *system, const char *path, struct buf *out)
{
	const char *init = NCONF_get_string(system, NULL, "openssl_conf");
	const char *tls = init ? NCONF_get_string(system, init, "ssl_conf") : NULL;
	const char *defaults = tls ? NCONF_get_string(system, tls, "system_default") : NULL;

	if (defaults && NCONF_get_string(system, defaults, "Groups"))
		return false;
	buf_printf(out, ".include = %s\n", path);
	if (!init)
		buf_text(out, "[default]\nopenssl_conf = nullpool_init\n");
	if (!tls)
		buf_printf(out, "[%s]\nssl_conf = nullpool_tls\n", init ? init : "nullpool_init");
	if (!defaults)
		buf_printf(out, "[%s]\nsystem_default = nullpool_defaults\n",
		           tls ? tls : "nullpool_tls");
	buf_printf(out, "[%s]\nGroups = %s\n", defaults ? defaults : "nullpool_defaults", groups());
	return !out->overflow;
}

static CONF *
parse_config(const struct buf *text)
{
	CONF *config = NCONF_new(NULL);
	BIO *bytes = BIO_new_mem_buf(text->data, (int)text->size);

	if (config && (!bytes || NCONF_load_bio(config, bytes, NULL) <= 0)) {
		NCONF_free(config);
		config = NULL;
	}
	BIO_free(bytes);
	return config;
}

CONF *
tls_config(const char *path)
{
	CONF *system = NCONF_new(NULL), *config = NULL;
	char storage[CONFIG_MAX_BYTES];
	struct buf text;

	buf_init_fixed(&text, storage, sizeof(storage));
	if (system && NCONF_load(system, path, NULL) > 0 && write_config(system, path, &text))
		config = parse_config(&text);
	NCONF_free(system);
	ERR_clear_error();
	return config;
}

/* As OpenSSL loads its file by itself, which it then does no more: conf_mall.c, conf_sap.c. */
static void
load_config(const CONF *config)
{
	(void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | INIT_ENGINES, NULL);
	OPENSSL_load_builtin_modules();
	(void)CONF_modules_load(config, NULL,
	                        CONF_MFLAGS_DEFAULT_SECTION | CONF_MFLAGS_IGNORE_RETURN_CODES);
	ERR_clear_error();
}

void
tls_prefer_p256(void)
{
	static bool done;
	CONF *config = NULL;
	char *path;

	if (done || getenv("OPENSSL_CONF"))
		return;
	done = true;
	path = CONF_get1_default_config_file();
	if (path)
		config = tls_config(path);
	if (config)
		load_config(config);
	NCONF_free(config);
	OPENSSL_free(path);
}

void
tls_load(void)
{
	tls_prefer_p256();
	(void)OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL);
}

/* --- a connection --- */

bool
tls_has_more(PGconn *pg)
{
	SSL *tls = PQsslStruct(pg, "OpenSSL");

	return tls && SSL_pending(tls) > 0;
}

SSL *
tls_hold(PGconn *pg)
{
	SSL *tls = PQsslStruct(pg, "OpenSSL");

	return tls && SSL_up_ref(tls) ? tls : NULL;
}

void
tls_release(SSL *tls)
{
	SSL_free(tls);
}

bool
tls_has_refused(const SSL *tls)
{
	/* Without a CA OpenSSL has a result too, to which nobody listens. */
	return SSL_get_verify_mode(tls) != SSL_VERIFY_NONE
	       && SSL_get_verify_result(tls) != X509_V_OK;
}

/* --- roots --- */

/* A file without a name. Returns its descriptor, or -1. */
static int
memory_file(const char *data, size_t size, char path[32])
{
	int fd = memfd_create("nullpool", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	(void)snprintf(path, 32, "/proc/self/fd/%d", fd);
	if (write(fd, data, size) == (ssize_t)size)
		return fd;
	(void)close(fd);
	return -1;
}

/* Returns true if the directory has entries as c_rehash(1) and Debian's ca-certificates make them:
 * 1a2b3c4d.0 */
static bool
is_hashed(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	bool hashed = false;

	while (folder && !hashed && (entry = readdir(folder)) != NULL)
		hashed = strlen(entry->d_name) == 10
		         && strspn(entry->d_name, "0123456789abcdef") == 8
		         && strcmp(entry->d_name + 8, ".0") == 0;
	if (folder)
		(void)closedir(folder);
	return hashed;
}

/* Names a file that does not exist: OpenSSL would read the bundle as well, and first. */
static void
use_directory(void)
{
	if (getenv("SSL_CERT_FILE") || getenv("SSL_CERT_DIR")
	    || !is_hashed(X509_get_default_cert_dir()))
		return;
	(void)setenv("SSL_CERT_FILE", "/nonexistent/nullpool-uses-the-directory", 1);
}

static const char *
system_bundle(void)
{
	const char *named = getenv("SSL_CERT_FILE"), *usual = X509_get_default_cert_file();

	if (named)
		return named;
	return access(usual, R_OK) == 0 ? usual : "/etc/ssl/certs/ca-certificates.crt";
}

void
tls_root_init(struct tls_root *root, struct keywords *keywords)
{
	const char *file = keywords_get(keywords, "sslrootcert");
	struct stat status;

	*root = (struct tls_root){ .fd = -1 };
	if (!file)
		return;
	if (strcmp(file, "system") == 0 && keywords->knows_system_root) {
		use_directory();
		return;
	}
	if (strcmp(file, "system") == 0) {
		file = system_bundle();
		keywords_set(keywords, "sslrootcert", file);
		keywords_set(keywords, "sslmode", "verify-full");
	}
	if (stat(file, &status) == 0 && status.st_size >= BUNDLE_MIN_BYTES)
		root->bundle = file;
}

static bool
drop_root(struct tls_root *root)
{
	if (root->fd < 0)
		return false;
	(void)close(root->fd);
	root->fd = -1;
	return true;
}

bool
tls_root_forget(struct tls_root *root)
{
	if (!drop_root(root))
		return false;
	/* Servers with different CAs, or no /proc: use the whole bundle each time. */
	if (++root->forgotten > FORGOTTEN_MAX)
		root->bundle = NULL;
	return true;
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size
	       && a->st_mtim.tv_sec == b->st_mtim.tv_sec
	       && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

const char *
tls_root_file(struct tls_root *root)
{
	struct stat now;

	if (!root->bundle || stat(root->bundle, &now) != 0)
		return NULL;
	if (root->fd >= 0 && is_same_file(&now, &root->seen))
		return root->path;
	/* A CA that was removed from the bundle must not be trusted. */
	(void)drop_root(root);
	root->seen = now;
	return NULL;
}

static int
file_of_root(X509 *certificate, char path[32])
{
	BIO *text = BIO_new(BIO_s_mem());
	char *data;
	int fd = -1;

	if (text && PEM_write_bio_X509(text, certificate)) {
		size_t size = (size_t)BIO_get_mem_data(text, &data);

		fd = memory_file(data, size, path);
	}
	BIO_free(text);
	return fd;
}

void
tls_root_learn(struct tls_root *root, PGconn *pg)
{
	SSL *tls = PQsslStruct(pg, "OpenSSL");
	STACK_OF(X509) * chain;

	if (!root->bundle || root->fd >= 0 || !tls || SSL_get_verify_result(tls) != X509_V_OK)
		return;
	chain = SSL_get0_verified_chain(tls);
	if (sk_X509_num(chain) > 0)
		root->fd = file_of_root(sk_X509_value(chain, sk_X509_num(chain) - 1), root->path);
}
