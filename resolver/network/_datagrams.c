/* Many datagrams for one call of the system: recvmmsg and sendmmsg over buffers that are made once. What comes from a
   port that is never answered is let go of before anything is made of it.

   The interface, and what it is for, is resolver/network/datagrams.py. An address is octets that only this file makes and
   reads: the length of a socket address, that address, and the control message that makes the answer leave from where
   the query was sent to (nothing on a socket that asks for none). Nothing here runs Python code or lets go of the lock
   between looking at an object and using it, and each length is checked before it is believed. */

#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define MOST 64     /* datagrams of one call */
#define OCTETS 4096 /* of a datagram: what is longer is cut */
#define CONTROL 64  /* octets for IP_PKTINFO, which needs 32, or IPV6_PKTINFO, which needs 40 */
#define PORTS (1 << 16)
#define ADDRESS (1 + sizeof(struct sockaddr_storage) + CONTROL)

typedef struct {
    struct mmsghdr header;
    struct iovec vector;
    struct sockaddr_storage name;
    /* Aligned as a header of a control message must be. */
    union {
        struct cmsghdr aligned;
        char octets[CONTROL];
    } control;
    char wire[OCTETS];
} Slot;

typedef struct {
    PyObject_HEAD
    Slot *slots;
    unsigned char unanswered[PORTS / 8]; /* a bit for each port that is never answered */
} Batch;

static int is_internet(const struct sockaddr_storage *at, size_t named)
{
    return (at->ss_family == AF_INET && named == sizeof(struct sockaddr_in)) ||
           (at->ss_family == AF_INET6 && named == sizeof(struct sockaddr_in6));
}

/* Both kinds of address have the port at one place. */
static unsigned port_of(const struct sockaddr_storage *at)
{
    return ntohs(((const struct sockaddr_in *)at)->sin_port);
}

static int is_answered(const Batch *self, const struct sockaddr_storage *at, size_t named)
{
    if (!is_internet(at, named))
        return 1;
    unsigned port = port_of(at);
    return !(self->unanswered[port >> 3] >> (port & 7) & 1);
}

/* The control message for the answer stands at `out`, if `header` brought one; returns its octets. */
static size_t source_of(struct msghdr *header, char *out)
{
    for (struct cmsghdr *each = CMSG_FIRSTHDR(header); each != NULL; each = CMSG_NXTHDR(header, each)) {
        union {
            struct cmsghdr aligned;
            char octets[CONTROL];
        } reply;
        struct msghdr holder = {.msg_control = reply.octets, .msg_controllen = sizeof reply.octets};
        struct cmsghdr *made = CMSG_FIRSTHDR(&holder);
        memset(&reply, 0, sizeof reply);
        made->cmsg_level = each->cmsg_level;
        made->cmsg_type = each->cmsg_type;
        made->cmsg_len = each->cmsg_len;
        if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO &&
            each->cmsg_len == CMSG_LEN(sizeof(struct in_pktinfo))) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(each), sizeof info);
            info.ipi_ifindex = 0; /* the route decides */
            info.ipi_addr.s_addr = 0;
            memcpy(CMSG_DATA(made), &info, sizeof info);
            memcpy(out, reply.octets, CMSG_SPACE(sizeof info));
            return CMSG_SPACE(sizeof info);
        }
        if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO &&
            each->cmsg_len == CMSG_LEN(sizeof(struct in6_pktinfo))) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(each), sizeof info);
            info.ipi6_ifindex = 0;
            memcpy(CMSG_DATA(made), &info, sizeof info);
            memcpy(out, reply.octets, CMSG_SPACE(sizeof info));
            return CMSG_SPACE(sizeof info);
        }
    }
    return 0;
}

static PyObject *pair_of(Slot *slot)
{
    char address[ADDRESS];
    struct msghdr *header = &slot->header.msg_hdr;
    size_t named = header->msg_namelen, got = slot->header.msg_len;
    if (named > sizeof slot->name)
        named = sizeof slot->name;
    if (got > OCTETS)
        got = OCTETS;
    address[0] = (char)named;
    memcpy(address + 1, &slot->name, named);
    size_t control = source_of(header, address + 1 + named);
    PyObject *pair = PyTuple_New(2);
    PyObject *wire = PyBytes_FromStringAndSize(slot->wire, (Py_ssize_t)got);
    PyObject *place = PyBytes_FromStringAndSize(address, (Py_ssize_t)(1 + named + control));
    if (pair == NULL || wire == NULL || place == NULL) {
        Py_XDECREF(pair);
        Py_XDECREF(wire);
        Py_XDECREF(place);
        return NULL;
    }
    PyTuple_SET_ITEM(pair, 0, wire);
    PyTuple_SET_ITEM(pair, 1, place);
    return pair;
}

/* `object` as a descriptor; -1 with an exception set when it is none. The kernel refuses -1 itself. */
static int descriptor_of(PyObject *object, int *fd)
{
    long number = PyLong_AsLong(object);
    if (number == -1 && PyErr_Occurred())
        return -1;
    if (number < -1 || number > INT_MAX) {
        PyErr_SetString(PyExc_ValueError, "no descriptor");
        return -1;
    }
    *fd = (int)number;
    return 0;
}

static PyObject *batch_receive(Batch *self, PyObject *const *args, Py_ssize_t count)
{
    int fd, got;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "receive(descriptor, most)");
        return NULL;
    }
    if (descriptor_of(args[0], &fd) < 0)
        return NULL;
    long most = PyLong_AsLong(args[1]);
    if (most == -1 && PyErr_Occurred())
        return NULL;
    if (most < 1 || most > MOST) {
        PyErr_Format(PyExc_ValueError, "%ld datagrams; 1 to %d are received at once", most, MOST);
        return NULL;
    }
    struct mmsghdr headers[MOST];
    for (long index = 0; index < most; index++) {
        Slot *slot = &self->slots[index];
        struct msghdr *header = &headers[index].msg_hdr;
        memset(&headers[index], 0, sizeof headers[index]);
        slot->vector.iov_base = slot->wire;
        slot->vector.iov_len = OCTETS;
        header->msg_name = &slot->name;
        header->msg_namelen = sizeof slot->name;
        header->msg_iov = &slot->vector;
        header->msg_iovlen = 1;
        header->msg_control = slot->control.octets;
        header->msg_controllen = CONTROL;
    }
    got = recvmmsg(fd, headers, (unsigned)most, MSG_DONTWAIT, NULL);
    if (got < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            return PyErr_SetFromErrno(PyExc_OSError);
        got = 0;
    }
    int answered = 0;
    unsigned char kept[MOST];
    for (int index = 0; index < got; index++)
        if (is_answered(self, &self->slots[index].name, headers[index].msg_hdr.msg_namelen))
            kept[answered++] = (unsigned char)index;
    PyObject *list = PyList_New(answered);
    for (int index = 0; list != NULL && index < answered; index++) {
        Slot *slot = &self->slots[kept[index]];
        slot->header = headers[kept[index]];
        PyObject *pair = pair_of(slot);
        if (pair == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, index, pair);
    }
    return list == NULL ? NULL : Py_BuildValue("(Ni)", list, got - answered);
}

/* `header` and `vector` say what `pair`, octets and an address, is; -1 with an exception set when it is something else. */
static int fill(PyObject *pair, struct msghdr *header, struct iovec *vector)
{
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2 || !PyBytes_Check(PyTuple_GET_ITEM(pair, 0)) ||
        !PyBytes_Check(PyTuple_GET_ITEM(pair, 1))) {
        PyErr_SetString(PyExc_TypeError, "what is sent are pairs of octets and an address that was received");
        return -1;
    }
    PyObject *wire = PyTuple_GET_ITEM(pair, 0);
    const char *address = PyBytes_AS_STRING(PyTuple_GET_ITEM(pair, 1));
    size_t size = (size_t)PyBytes_GET_SIZE(PyTuple_GET_ITEM(pair, 1));
    size_t named = size ? (unsigned char)address[0] : 0;
    if (size < 1 + named || size > ADDRESS || named > sizeof(struct sockaddr_storage)) {
        PyErr_SetString(PyExc_ValueError, "no address that was received");
        return -1;
    }
    vector->iov_base = PyBytes_AS_STRING(wire);
    vector->iov_len = (size_t)PyBytes_GET_SIZE(wire);
    header->msg_name = (void *)(address + 1);
    header->msg_namelen = (socklen_t)named;
    header->msg_iov = vector;
    header->msg_iovlen = 1;
    header->msg_control = size > 1 + named ? (void *)(address + 1 + named) : NULL;
    header->msg_controllen = size - 1 - named;
    return 0;
}

static PyObject *batch_send(Batch *self, PyObject *const *args, Py_ssize_t count)
{
    int fd;
    Py_ssize_t sent = 0, full = 0, failed = 0;
    (void)self;
    if (count != 2 || !PyList_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "send(descriptor, list of pairs)");
        return NULL;
    }
    if (descriptor_of(args[0], &fd) < 0)
        return NULL;
    for (Py_ssize_t begin = 0; begin < PyList_GET_SIZE(args[1]); begin += MOST) {
        struct mmsghdr headers[MOST];
        struct iovec vectors[MOST];
        Py_ssize_t filled = PyList_GET_SIZE(args[1]) - begin, done = 0;
        if (filled > MOST)
            filled = MOST;
        memset(headers, 0, (size_t)filled * sizeof headers[0]);
        for (Py_ssize_t index = 0; index < filled; index++)
            if (fill(PyList_GET_ITEM(args[1], begin + index), &headers[index].msg_hdr, &vectors[index]) < 0)
                return NULL;
        while (done < filled) {
            int went = sendmmsg(fd, headers + done, (unsigned)(filled - done), MSG_DONTWAIT);
            if (went > 0) {
                sent += went;
                done += went;
            } else if (went < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
                full += filled - done;
                break;
            } else { /* the first of them cannot be sent; the others may */
                failed++;
                done++;
            }
        }
    }
    return Py_BuildValue("(nnn)", sent, full, failed);
}

/* `object`, an address that was received, as an IP address at `out`; -1 with an exception set when it is none. */
static int internet_of(PyObject *object, struct sockaddr_storage *out)
{
    if (!PyBytes_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "an address is octets");
        return -1;
    }
    const char *address = PyBytes_AS_STRING(object);
    size_t size = (size_t)PyBytes_GET_SIZE(object);
    size_t named = size ? (unsigned char)address[0] : 0;
    memset(out, 0, sizeof *out);
    if (size >= 1 + named && named <= sizeof *out)
        memcpy(out, address + 1, named);
    if (size >= 1 + named && is_internet(out, named))
        return 0;
    PyErr_SetString(PyExc_ValueError, "no address that was received");
    return -1;
}

/* The octets of an IP address, and how many there are. */
static const void *octets_of(const struct sockaddr_storage *at, size_t *count)
{
    *count = at->ss_family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    return at->ss_family == AF_INET ? (const void *)&((const struct sockaddr_in *)at)->sin_addr
                                    : (const void *)&((const struct sockaddr_in6 *)at)->sin6_addr;
}

static PyObject *batch_host(Batch *self, PyObject *address)
{
    struct sockaddr_storage at;
    size_t count;
    (void)self;
    if (internet_of(address, &at) < 0)
        return NULL;
    const void *octets = octets_of(&at, &count);
    return PyBytes_FromStringAndSize(octets, (Py_ssize_t)count);
}

static PyObject *batch_peer(Batch *self, PyObject *address)
{
    struct sockaddr_storage at;
    char host[INET6_ADDRSTRLEN];
    size_t count;
    (void)self;
    if (internet_of(address, &at) < 0)
        return NULL;
    if (inet_ntop(at.ss_family, octets_of(&at, &count), host, sizeof host) == NULL)
        return PyErr_SetFromErrno(PyExc_OSError);
    return Py_BuildValue("(sI)", host, port_of(&at));
}

/* Each of `ports` is never answered; -1 with an exception set where one is no port. */
static int leave_unanswered(Batch *self, PyObject *ports)
{
    PyObject *each, *iterator = PyObject_GetIter(ports);
    if (iterator == NULL)
        return -1;
    while ((each = PyIter_Next(iterator)) != NULL) {
        long port = PyLong_AsLong(each);
        Py_DECREF(each);
        if (port < 0 || port >= PORTS) {
            if (!PyErr_Occurred())
                PyErr_Format(PyExc_ValueError, "%ld is no port", port);
            break;
        }
        self->unanswered[port >> 3] |= (unsigned char)(1 << (port & 7));
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *batch_new(PyTypeObject *type, PyObject *args, PyObject *words)
{
    if (PyTuple_GET_SIZE(args) != 1 || (words != NULL && PyDict_GET_SIZE(words))) {
        PyErr_SetString(PyExc_TypeError, "Batch(ports that are never answered)");
        return NULL;
    }
    Batch *self = (Batch *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    if ((self->slots = PyMem_Calloc(MOST, sizeof(Slot))) == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    if (leave_unanswered(self, PyTuple_GET_ITEM(args, 0)) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void batch_free(Batch *self)
{
    PyMem_Free(self->slots);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef methods[] = {
    {"receive", (PyCFunction)(void (*)(void))batch_receive, METH_FASTCALL, NULL},
    {"send", (PyCFunction)(void (*)(void))batch_send, METH_FASTCALL, NULL},
    {"host", (PyCFunction)batch_host, METH_O, NULL},
    {"peer", (PyCFunction)batch_peer, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject batch_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "resolver.network._datagrams.Batch",
    .tp_basicsize = sizeof(Batch),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = batch_new,
    .tp_dealloc = (destructor)batch_free,
    .tp_methods = methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "_datagrams", .m_size = -1};

PyMODINIT_FUNC PyInit__datagrams(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && (PyType_Ready(&batch_type) < 0 || PyModule_AddObjectRef(made, "Batch", (PyObject *)&batch_type) < 0))
        Py_CLEAR(made);
    return made;
}
