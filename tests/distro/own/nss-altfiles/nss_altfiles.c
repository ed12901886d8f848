/* The name service "altfiles": the accounts of the tree, in /usr/lib/passwd and /usr/lib/group.
 *
 * A host's own accounts stay in /etc; nsswitch.conf asks "files" first. The interface is the
 * "NSS Module Interface" chapter of the GNU C library's manual.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#define PASSWD_FILE "/usr/lib/passwd"
#define GROUP_FILE "/usr/lib/group"

static pthread_mutex_t enumeration = PTHREAD_MUTEX_INITIALIZER;
static FILE *passwd_stream;
static FILE *group_stream;

/* What a reader's return value means to the caller. With ERANGE the line was not consumed: the
 * caller tries again with a larger buffer. */
static enum nss_status outcome(FILE *stream, long line, int error, int *errnop) {
    if (error == 0)
        return NSS_STATUS_SUCCESS;
    if (error == ERANGE) {
        fseek(stream, line, SEEK_SET);
        *errnop = ERANGE;
        return NSS_STATUS_TRYAGAIN;
    }
    *errnop = ENOENT;
    return NSS_STATUS_NOTFOUND;
}

/* The functions for one database: enumeration, and the search for one entry. */
#define DATABASE(entity, type, reader, path, stream, set, get, end)                              \
    static enum nss_status next_##entity(FILE *file, struct type *result, char *buffer,          \
                                         size_t size, int *errnop) {                             \
        struct type *found = NULL;                                                               \
        long line = ftell(file);                                                                 \
        return outcome(file, line, reader(file, result, buffer, size, &found), errnop);          \
    }                                                                                            \
    static enum nss_status open_##entity(FILE **file, int *errnop) {                             \
        *file = fopen(path, "re");                                                               \
        if (*file != NULL)                                                                       \
            return NSS_STATUS_SUCCESS;                                                           \
        *errnop = errno;                                                                         \
        return errno == EAGAIN ? NSS_STATUS_TRYAGAIN : NSS_STATUS_UNAVAIL;                       \
    }                                                                                            \
    enum nss_status set(int stayopen) {                                                          \
        (void)stayopen;                                                                          \
        pthread_mutex_lock(&enumeration);                                                        \
        if (stream != NULL)                                                                      \
            rewind(stream);                                                                      \
        pthread_mutex_unlock(&enumeration);                                                      \
        return NSS_STATUS_SUCCESS;                                                               \
    }                                                                                            \
    enum nss_status end(void) {                                                                  \
        pthread_mutex_lock(&enumeration);                                                        \
        if (stream != NULL)                                                                      \
            fclose(stream);                                                                      \
        stream = NULL;                                                                           \
        pthread_mutex_unlock(&enumeration);                                                      \
        return NSS_STATUS_SUCCESS;                                                               \
    }                                                                                            \
    enum nss_status get(struct type *result, char *buffer, size_t size, int *errnop) {           \
        enum nss_status status = NSS_STATUS_SUCCESS;                                             \
        pthread_mutex_lock(&enumeration);                                                        \
        if (stream == NULL)                                                                      \
            status = open_##entity(&stream, errnop);                                             \
        if (status == NSS_STATUS_SUCCESS)                                                        \
            status = next_##entity(stream, result, buffer, size, errnop);                        \
        pthread_mutex_unlock(&enumeration);                                                      \
        return status;                                                                           \
    }

#define SEARCH(entity, type, function, parameter, matches)                                       \
    enum nss_status function(parameter, struct type *result, char *buffer, size_t size,          \
                             int *errnop) {                                                      \
        FILE *file;                                                                              \
        enum nss_status status = open_##entity(&file, errnop);                                   \
        if (status != NSS_STATUS_SUCCESS)                                                        \
            return status;                                                                       \
        do                                                                                       \
            status = next_##entity(file, result, buffer, size, errnop);                          \
        while (status == NSS_STATUS_SUCCESS && !(matches));                                      \
        fclose(file);                                                                            \
        return status;                                                                           \
    }

DATABASE(passwd, passwd, fgetpwent_r, PASSWD_FILE, passwd_stream, _nss_altfiles_setpwent,
         _nss_altfiles_getpwent_r, _nss_altfiles_endpwent)
DATABASE(group, group, fgetgrent_r, GROUP_FILE, group_stream, _nss_altfiles_setgrent,
         _nss_altfiles_getgrent_r, _nss_altfiles_endgrent)

SEARCH(passwd, passwd, _nss_altfiles_getpwnam_r, const char *name,
       strcmp(result->pw_name, name) == 0)
SEARCH(passwd, passwd, _nss_altfiles_getpwuid_r, uid_t uid, result->pw_uid == uid)
SEARCH(group, group, _nss_altfiles_getgrnam_r, const char *name,
       strcmp(result->gr_name, name) == 0)
SEARCH(group, group, _nss_altfiles_getgrgid_r, gid_t gid, result->gr_gid == gid)
