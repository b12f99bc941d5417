/* Model files: what torch.save writes is read, everything that could do harm is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tensor/tensor_int.h"

#define DATA LG_SOURCE_DIR "/tests/data/gnn/"

static char *slurp(const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "rb");
    char *p = lg_malloc(1u << 20);

    assert_non_null(f);
    assert_non_null(p);
    *ret_n = fread(p, 1, 1u << 20, f);
    fclose(f);
    return p;
}

static const struct lg_tensor *find(
        const struct lg_tensors *set, const char *name, const char *shape)
{
    const struct lg_tensor *t = lg_tensors_find(set, lg_str_z(name));
    char text[LG_SHAPE_TEXT_MAX];

    if (t == NULL)
        fail_msg("no tensor %s", name);
    assert_string_equal(lg_shape_text(t->ndim, t->shape, text), shape);
    return t;
}

/* --- .pt -------------------------------------------------------------------------------------- */

static void check_containers(const struct lg_tensors *set)
{
    static const float by_column[12] = {0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11};
    static const float row[4] = {4, 5, 6, 7};
    const struct lg_tensor *t;

    assert_int_equal(set->n, 8);
    assert_memory_equal(find(set, "model.t", "[4, 3]")->data, by_column, sizeof(by_column));
    assert_memory_equal(find(set, "model.row", "[4]")->data, row, sizeof(row));
    assert_true(((float *)find(set, "model.shared", "[3, 4]")->data)[11] == 11.0f);
    t = find(set, "model.scalar", "[]");
    assert_int_equal(t->dtype, LG_I64);
    assert_int_equal(*(int64_t *)t->data, 7);
    assert_int_equal(find(set, "list.0", "[2, 0]")->n, 0);
    t = find(set, "list.1.0", "[2]");
    assert_int_equal(t->dtype, LG_U8);
    assert_memory_equal(t->data, "\1\2", 2);
    assert_int_equal(find(set, "half", "[1]")->dtype, LG_F16);
    assert_true(*(float *)find(set, "param", "[1]")->data == 2.0f);
}

static void test_containers(void **state)
{
    struct lg_tensors set;
    struct lg_err err = {0};

    (void)state;
    lg_tensors_init(&set);
    if (lg_tensors_load(DATA "containers.pt", &set, &err) < 0)
        fail_msg("%s", err.text);
    check_containers(&set);
    lg_tensors_done(&set);
}

/* Files that would run code under plain pickle. */
static void test_hostile_files(void **state)
{
    static const struct {
        const char *file, *text;
    } bad[] = {
            {"hostile_system.pt", "posix.system"},
            {"hostile_eval.pt", "__builtin__.eval"},
            {"hostile_module.pt", "torch.nn.modules.linear.Linear"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct lg_tensors set;
        struct lg_err err = {0};
        char path[300];

        lg_tensors_init(&set);
        snprintf(path, sizeof(path), DATA "%s", bad[i].file);
        assert_int_equal(lg_tensors_load(path, &set, &err), LG_EREFUSED);
        print_message("%s\n", err.text);
        assert_non_null(strstr(err.text, bad[i].text));
        assert_non_null(strstr(err.text, bad[i].file));
        assert_non_null(strstr(err.text, "byte "));
        assert_int_equal(set.n, 0);
    }
}

/* Every cut and every changed byte of a good file gives an error or a sound set, never more. */
static void test_mutations(void **state)
{
    size_t n, read = 0, refused = 0;
    char *p = slurp(DATA "containers.pt", &n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        struct lg_tensors set;
        char keep = p[i];

        lg_tensors_init(&set);
        assert_true(lg_pt_read(p, i, &set, NULL) < 0);
        for (int bit = 0; bit < 8; bit += 3) {
            p[i] = (char)(keep ^ (1 << bit));
            if (lg_pt_read(p, n, &set, NULL) == 0) {
                read++;
                assert_true(set.bytes <= 8 * n);
                lg_tensors_done(&set);
            } else {
                refused++;
                assert_int_equal(set.n, 0);
            }
        }
        p[i] = keep;
    }
    print_message("%zu changes read, %zu refused\n", read, refused);
    assert_true(refused > read); /* most bytes are under a checksum */
    lg_free(p);
}

struct found {
    struct lg_tensors set;
    int n;
};

static int count_found(void *arg, struct lg_str name, const struct lg_pt_view *view)
{
    struct found *f = arg;

    (void)name;
    (void)view;
    f->n++;
    return 0;
}

static int run_pickle(const char *p, size_t n, struct found *f, struct lg_err *err)
{
    struct lg_pt_storage *st;
    struct lg_arena arena;
    int rc;

    memset(f, 0, sizeof(*f));
    memset(err, 0, sizeof(*err));
    lg_arena_init(&arena, 8u << 20);
    rc = lg_pickle_read(p, n, &arena, count_found, f, &st, err);
    lg_arena_done(&arena);
    return rc;
}

#define STORAGE                                                                                    \
    "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"                                             \
    "0X\3\0\0\0cpuK\6tQ"
#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n("
#define HOOKS                                                                                      \
    "\x89"                                                                                         \
    "ccollections\nOrderedDict\n)RtR"
#define ONE(tensor) "\x80\2}X\1\0\0\0a" tensor "s."

static void test_pickles(void **state)
{
#define P(text) text, sizeof(text) - 1
    static const struct {
        const char *p;
        size_t n;
        int rc;
        const char *text;
    } cases[] = {
            {P("\x80\2}."), 0, ""},
            {P(ONE(REBUILD STORAGE "K\0K\2K\3\x86K\3K\1\x86" HOOKS)), 0, ""},
            {P("\x80\4}."), LG_EUNSUP, "protocol 2"},
            {P("}."), LG_EUNSUP, "protocol 2"},
            {P("\x80\2]."), LG_EUNSUP, "dict at its top"},
            {P("\x80\2}.x"), LG_ECORRUPT, "follows"},
            {P("\x80\2}"), LG_ETRUNC, "does not end"},
            {P("\x80\2."), LG_EUNSUP, "dict"},
            {P("\x80\2(."), LG_EUNSUP, "dict"},
            {P("\x80\2X\xff\xff\xff\xff"
               "a."),
                    LG_ETRUNC, "byte 2"},
            {P("\x80\2cposix\nsystem\nX\2\0\0\0ls\x85R."), LG_EREFUSED, "posix.system"},
            {P("\x80\2cos\n"), LG_ETRUNC, "inside a name"},
            {P("\x80\2(iposix\nsystem\n."), LG_EREFUSED, "INST"},
            {P("\x80\2\x93."), LG_EREFUSED, "STACK_GLOBAL"},
            {P("\x80\2ccollections\nOrderedDict\n)\x81."), LG_EREFUSED, "NEWOBJ"},
            {P("\x80\2\x82\1."), LG_EREFUSED, "EXT1"},
            {P("\x80\2}}b."), LG_EREFUSED, "BUILD"},
            {P("\x80\2ctorch\nFloatStorage\n)R."), LG_EREFUSED, "storage class"},
            {P("\x80\2})R."), LG_EREFUSED, "no known function"},
            {P("\x80\2R."), LG_ECORRUPT, "stack is empty"},
            {P("\x80\2t."), LG_ECORRUPT, "mark"},
            {P("\x80\2h\1."), LG_ECORRUPT, "never set"},
            {P("\x80\2}r\xff\xff\xff\xff."), LG_ELIMIT, "memo"},
            {P("\x80\2}K\1K\2e."), LG_ECORRUPT, "mark"},
            {P("\x80\2}K\1a."), LG_EREFUSED, "APPEND"},
            {P("\x80\2]K\1K\1s."), LG_EREFUSED, "SETITEM"},
            {P("\x80\2](K\1u."), LG_ECORRUPT, "container"},
            {P("\x80\2}(K\1u."), LG_ECORRUPT, "container"},
            {P("\x80\2\x8a\x09"
               "123456789."),
                    LG_ERANGE, "8 bytes"},
            {P("\x80\2X\1\0\0\0pQ."), LG_EREFUSED, "persistent id"},
            {P(ONE(REBUILD STORAGE "K\0K\7\x85K\1\x85" HOOKS)), LG_ECORRUPT, "past its storage"},
            {P(ONE(REBUILD STORAGE "K\1K\6\x85K\1\x85" HOOKS)), LG_ECORRUPT, "past its storage"},
            {P(ONE(REBUILD STORAGE "K\0K\7\x85K\0\x85" HOOKS)), LG_ECORRUPT, "past its storage"},
            {P(ONE(REBUILD STORAGE "K\0K\2\x85K\1K\1\x86" HOOKS)), LG_ECORRUPT, "other numbers"},
            {P(ONE(REBUILD STORAGE "K\0J\xff\xff\xff\xff\x85K\1\x85" HOOKS)), LG_ECORRUPT,
                    "no size"},
            {P(ONE(REBUILD STORAGE "K\0K\2\x85\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85" HOOKS)),
                    LG_ECORRUPT, "past its storage"},
            {P(ONE(REBUILD STORAGE
                     "K\0\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\2\x86K\1K\1\x86" HOOKS)),
                    LG_ELIMIT, "too large"},
            {P(ONE(REBUILD "K\1K\0)"
                           ")" HOOKS)),
                    LG_ECORRUPT, "arguments"},
            {P("\x80\2}\x88K\1s."), LG_EUNSUP, "dict key"},
            {P("\x80\2}\x88]s."), LG_EUNSUP, "dict key"},
    };
#undef P

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lg_err err;
        struct found f;
        int rc = run_pickle(cases[i].p, cases[i].n, &f, &err);

        if (rc != cases[i].rc || strstr(err.text, cases[i].text) == NULL)
            fail_msg("case %zu: %s: %s", i, lg_err_name(rc), err.text);
    }
}

/* Lists that hold one list many times, and a list that holds itself. */
static void test_pickle_bombs(void **state)
{
    static char marks[300000];
    char p[4200] = "\x80\2}(X\1\0\0\0a(]q\1";
    size_t n = 14;
    struct lg_err err;
    struct found f;

    (void)state;
    /* Each list holds the one before nine times. */
    for (int level = 1; level < 40; level++) {
        p[n++] = ']';
        p[n++] = 'q';
        p[n++] = (char)(level + 1);
        p[n++] = '(';
        for (int i = 0; i < 9; i++) {
            p[n++] = 'h';
            p[n++] = (char)level;
        }
        p[n++] = 'e';
    }
    memcpy(p + n, "tu.", 3);
    assert_int_equal(run_pickle(p, n + 3, &f, &err), LG_ELIMIT);
    assert_non_null(strstr(err.text, "nested too deeply or shared too often"));
    /* A list that holds itself. */
    assert_int_equal(run_pickle("\x80\2}X\1\0\0\0a]q\1h\1as.", 17, &f, &err), LG_ELIMIT);
    memset(marks, '(', sizeof(marks));
    memcpy(marks, "\x80\2", 2);
    assert_int_equal(run_pickle(marks, sizeof(marks), &f, &err), LG_ELIMIT);
    assert_non_null(strstr(err.text, "stack is too deep"));
}

/* --- .safetensors ----------------------------------------------------------------------------- */

static int read_header(const char *header, size_t data, struct lg_tensors *set, struct lg_err *err)
{
    char buf[1024] = {0};
    uint64_t n = strlen(header);

    memcpy(buf, &n, 8);
    memcpy(buf + 8, header, n);
    memset(err, 0, sizeof(*err));
    lg_tensors_init(set);
    return lg_safetensors_read(buf, 8 + n + data, set, err);
}

static void test_safetensors(void **state)
{
    static const struct {
        const char *header;
        size_t data;
        int rc;
        const char *text;
    } cases[] = {
            {"{}", 0, 0, ""},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}  ", 8, 0, ""},
            {"{\"__metadata__\":{\"k\":\"v\\\"\"},\"a\":{\"shape\":[],\"dtype\":\"I64\","
             "\"data_offsets\":[0,8]}}",
                    8, 0, ""},
            {"{\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[2,5]},"
             "\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}",
                    5, 0, ""},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, LG_ECORRUPT,
                    "pass the end"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9, LG_ECORRUPT,
                    "after the last"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]}}", 9, LG_ECORRUPT,
                    "gap"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, LG_ECORRUPT,
                    "shape"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}",
                    0, LG_ECORRUPT, "shape"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,8]}}", 8, LG_EPARSE,
                    "size"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]}}",
                    8, LG_EPARSE, "size"},
            {"{\"a\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, LG_EUNSUP,
                    "C64"},
            {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, LG_EPARSE, "lacks"},
            {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2]}}", 8, LG_EPARSE, "twice"},
            {"{\"a\":{\"what\":1}}", 0, LG_EPARSE, "unknown"},
            {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
             "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
                    2, LG_EEXIST, "twice"},
            {"{\"a b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, LG_EINVAL,
                    "byte 0x20"},
            {"{\"a", 0, LG_EPARSE, "does not end"},
            {"{\"a\\", 0, LG_EPARSE, "does not end"},
            {"[]", 0, LG_EPARSE, "{ was"},
            {"{} x", 0, LG_EPARSE, "follows"},
            {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, LG_EPARSE, "twice"},
            {"{\"__metadata__\":{\"a\":1}}", 0, LG_EPARSE, "string"},
            {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1,
                    LG_EPARSE, "too many"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lg_tensors set;
        struct lg_err err;
        int rc = read_header(cases[i].header, cases[i].data, &set, &err);

        if (rc != cases[i].rc || strstr(err.text, cases[i].text) == NULL)
            fail_msg("case %zu: %s: %s", i, lg_err_name(rc), err.text);
        assert_true(rc == 0 || set.n == 0);
        lg_tensors_done(&set);
    }
    {
        struct lg_tensors set;
        struct lg_err err;

        lg_tensors_init(&set);
        assert_int_equal(lg_safetensors_read("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, &set, &err),
                LG_ECORRUPT);
        assert_int_equal(lg_safetensors_read("\2", 1, &set, &err), LG_ETRUNC);
    }
}

/* --- both ------------------------------------------------------------------------------------- */

static void fill(struct lg_tensors *set)
{
    static const uint64_t shapes[][3] = {{2, 3, 4}, {5, 0, 0}, {0, 7, 0}};
    struct lg_tensor *t;

    lg_tensors_init(set);
    for (int d = 0; d < LG_DTYPES; d++) {
        char name[32];

        snprintf(name, sizeof(name), "layer.%s", lg_dtype_name((enum lg_dtype)d));
        assert_int_equal(lg_tensors_add(set, lg_str_z(name), (enum lg_dtype)d, d % 3 == 0 ? 3 : 1,
                                 shapes[d % 3], &t, NULL),
                0);
        for (size_t i = 0; i < t->n * lg_dtype_size(t->dtype); i++)
            ((unsigned char *)t->data)[i] = d == LG_BOOL ? 1 : (unsigned char)(i * 7 + (size_t)d);
    }
    assert_int_equal(lg_tensors_add(set, LG_STR("scalar"), LG_F64, 0, NULL, &t, NULL), 0);
    assert_int_equal(lg_tensors_add(set, LG_STR("scalar"), LG_F64, 0, NULL, &t, NULL), LG_EEXIST);
}

static void check_same(const struct lg_tensors *a, const struct lg_tensors *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        const struct lg_tensor *t = &a->v[i], *u = lg_tensors_find(b, lg_str_z(t->name));

        assert_non_null(u);
        assert_int_equal(t->dtype, u->dtype);
        assert_int_equal(t->ndim, u->ndim);
        if (t->ndim > 0)
            assert_memory_equal(t->shape, u->shape, t->ndim * sizeof(*t->shape));
        if (t->n > 0)
            assert_memory_equal(t->data, u->data, t->n * lg_dtype_size(t->dtype));
    }
}

static void test_round_trip(void **state)
{
    static const char *const paths[] = {
            LG_BINARY_DIR "/test_files_tensor.pt", LG_BINARY_DIR "/test_files_tensor.safetensors"};
    struct lg_tensors set, again;
    struct lg_err err = {0};

    (void)state;
    fill(&set);
    for (int i = 0; i < 2; i++) {
        size_t n1, n2;
        char *a, *b;

        if (lg_tensors_save(paths[i], &set, &err) < 0)
            fail_msg("%s", err.text);
        a = slurp(paths[i], &n1);
        assert_int_equal(lg_tensors_save(paths[i], &set, &err), 0);
        b = slurp(paths[i], &n2);
        assert_int_equal(n1, n2); /* the same set is the same file */
        assert_memory_equal(a, b, n1);
        lg_tensors_init(&again);
        if (lg_tensors_load(paths[i], &again, &err) < 0)
            fail_msg("%s", err.text);
        check_same(&set, &again);
        lg_tensors_done(&again);
        lg_free(a);
        lg_free(b);
        unlink(paths[i]);
    }
    assert_int_equal(lg_tensors_save(LG_BINARY_DIR "/x.bin", &set, &err), LG_EINVAL);
    assert_int_equal(lg_tensors_save("/nonexistent/x.pt", &set, &err), LG_EIO);
    lg_tensors_done(&set);
}

/* A header of 0x280 bytes begins like a pickle: 80 02. */
static void test_header_that_looks_like_a_pickle(void **state)
{
    static const char path[] = LG_BINARY_DIR "/test_files_tensor.280";
    static const char head[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    struct lg_tensors set;
    struct lg_err err = {0};
    char text[8 + 0x280 + 4];
    FILE *f = fopen(path, "wb");

    (void)state;
    assert_non_null(f);
    memset(text, ' ', sizeof(text));
    memcpy(text, "\x80\2\0\0\0\0\0\0", 8);
    memcpy(text + 8, head, sizeof(head) - 1);
    memcpy(text + 8 + 0x280, "\0\0\x80\x3f", 4);
    fwrite(text, 1, sizeof(text), f);
    fclose(f);
    lg_tensors_init(&set);
    assert_int_equal(lg_tensors_load(path, &set, &err), 0);
    assert_true(*(const float *)set.v[0].data == 1.0f);
    lg_tensors_done(&set);
    unlink(path);
}

static void test_load_errors(void **state)
{
    static const char path[] = LG_BINARY_DIR "/test_files_tensor.bad";
    struct lg_tensors set;
    struct lg_err err = {0};
    FILE *f = fopen(path, "wb");

    (void)state;
    assert_non_null(f);
    fwrite("\x80\2cposix\nsystem\n", 1, 17, f);
    fclose(f);
    lg_tensors_init(&set);
    assert_int_equal(lg_tensors_load(path, &set, &err), LG_EREFUSED);
    assert_non_null(strstr(err.text, "bare pickle"));
    unlink(path);
    assert_int_equal(lg_tensors_load(path, &set, &err), LG_ENOENT);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(lg_tensors_load("/", &set, &err), LG_EREFUSED);
    assert_int_equal(lg_tensors_load("/dev/zero", &set, &err), LG_EREFUSED);
}

static void test_caps(void **state)
{
    const uint64_t big[2] = {LG_MAX_MODEL_FILE_BYTES, 2},
                   half[1] = {LG_MAX_MODEL_FILE_BYTES / 2 + 1};
    struct lg_tensors set;
    struct lg_tensor *t;
    struct lg_err err;
    char name[LG_TENSOR_MAX_NAME + 1];

    (void)state;
    lg_tensors_init(&set);
    assert_int_equal(lg_tensors_add(&set, LG_STR("a"), LG_U8, 2, big, &t, &err), LG_ELIMIT);
    assert_int_equal(lg_tensors_add(&set, LG_STR("a"), LG_U8, 1, half, &t, &err), 0);
    assert_int_equal(lg_tensors_add(&set, LG_STR("b"), LG_U8, 1, half, &t, &err), LG_ELIMIT);
    memset(name, 'x', sizeof(name));
    assert_int_equal(lg_tensors_add(&set, lg_str_of(name, sizeof(name)), LG_U8, 0, NULL, &t, &err),
            LG_EINVAL);
    assert_int_equal(lg_tensors_add(&set, LG_STR(""), LG_U8, 0, NULL, &t, &err), LG_EINVAL);
    lg_tensors_done(&set);
}

static void test_out_of_memory(void **state)
{
    static const char *const files[] = {"containers.pt", "tiny.golden.safetensors"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        char path[300];
        int rc = LG_ENOMEM;
        uint64_t n = 1;

        snprintf(path, sizeof(path), DATA "%s", files[i]);
        for (; rc == LG_ENOMEM && n < 2000; n++) {
            struct lg_tensors set;

            lg_tensors_init(&set);
            lg_mem_fail_from(n);
            rc = lg_tensors_load(path, &set, NULL);
            lg_mem_fail_from(0);
            assert_true(rc == 0 || set.n == 0);
            lg_tensors_done(&set);
        }
        assert_int_equal(rc, 0);
        assert_true(n > 10);
    }
    for (int ending = 0; ending < 2; ending++) {
        struct lg_tensors set;
        int rc = LG_ENOMEM;

        fill(&set);
        for (uint64_t n = 1; rc == LG_ENOMEM && n < 200; n++) {
            struct lg_buf b;

            lg_mem_fail_from(n);
            lg_buf_init(&b, 1u << 20);
            rc = ending ? lg_pt_write(&set, &b, NULL) : lg_safetensors_write(&set, &b, NULL);
            lg_mem_fail_from(0);
            lg_buf_done(&b);
        }
        assert_int_equal(rc, 0);
        lg_tensors_done(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_containers),
            cmocka_unit_test(test_hostile_files),
            cmocka_unit_test(test_mutations),
            cmocka_unit_test(test_pickles),
            cmocka_unit_test(test_pickle_bombs),
            cmocka_unit_test(test_safetensors),
            cmocka_unit_test(test_round_trip),
            cmocka_unit_test(test_header_that_looks_like_a_pickle),
            cmocka_unit_test(test_load_errors),
            cmocka_unit_test(test_caps),
            cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
