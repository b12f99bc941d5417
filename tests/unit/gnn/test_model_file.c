/* Model files that do not hold this network are refused with the tensor and what is wrong. */
#include "golden.h"

#include <math.h>

struct fixture {
    struct golden gd;
    struct lg_tensors set;
};

static int setup(void **state)
{
    struct fixture *f = lg_calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    golden_open(&f->gd, "tiny");
    lg_tensors_init(&f->set);
    *state = f;
    return lg_gnn_model_to_tensors(f->gd.model, &f->set, NULL);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    lg_tensors_done(&f->set);
    golden_close(&f->gd);
    lg_free(f);
    return 0;
}

static struct lg_tensor *tensor(struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->set.n; i++)
        if (strcmp(f->set.v[i].name, name) == 0)
            return &f->set.v[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

static void refused(struct fixture *f, const struct lg_gnn_config *want, int code, const char *text)
{
    struct lg_gnn_model *model = NULL;
    struct lg_err err = {0};
    int rc = lg_gnn_model_from_tensors(&f->set, want, &model, &err);

    if (rc != code || strstr(err.text, text) == NULL)
        fail_msg("%s: %s, not %s: %s", lg_err_name(rc), err.text, lg_err_name(code), text);
    assert_null(model);
}

static void accepted(struct fixture *f)
{
    struct lg_gnn_model *model = NULL;
    struct lg_err err = {0};

    if (lg_gnn_model_from_tensors(&f->set, NULL, &model, &err) < 0)
        fail_msg("%s", err.text);
    assert_memory_equal(model->flat, f->gd.model->flat, model->lay.floats * sizeof(float));
    lg_gnn_model_free(model);
}

static void test_values(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"tok.weight", "layers.1.a_dst", "out.bias", "idf"};

    accepted(f);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct lg_tensor *t = tensor(f, names[i]);
        float *v = t->data, keep = v[t->n - 1];
        char text[80];

        snprintf(text, sizeof(text), "tensor %s: element %llu is NaN", names[i],
                (unsigned long long)t->n - 1);
        v[t->n - 1] = NAN;
        refused(f, NULL, LG_ECORRUPT, text);
        v[t->n - 1] = -INFINITY;
        refused(f, NULL, LG_ECORRUPT, "is infinite");
        v[t->n - 1] = keep;
    }
    ((float *)tensor(f, "idf")->data)[0] = -1.0f;
    refused(f, NULL, LG_ECORRUPT, "idf holds a negative");
}

static void test_shapes(void **state)
{
    struct fixture *f = *state;
    struct lg_tensor *t = tensor(f, "layers.0.w.weight");
    char *name;

    t->shape[0] = 16;
    t->shape[1] = 64;
    refused(f, NULL, LG_ECORRUPT, "layers.0.w.weight has shape [16, 64], not [32, 32]");
    t->shape[0] = t->shape[1] = 32;
    t->ndim = 1;
    refused(f, NULL, LG_ECORRUPT, "has shape [32]");
    t->ndim = 2;
    t->dtype = LG_I32;
    refused(f, NULL, LG_EUNSUP, "is int32, not float32");
    t->dtype = LG_F32;
    name = t->name;
    t->name = lg_strndup("layers.0.q.weight", 17);
    refused(f, NULL, LG_ECORRUPT, "layers.0.q.weight does not belong");
    lg_free(t->name);
    t->name = name;
    accepted(f);
    /* The last tensor away: it is missed by name. */
    f->set.n--;
    refused(f, NULL, LG_ECORRUPT, "tensor tok.weight is missing");
    f->set.n++;
}

static void test_config(void **state)
{
    struct fixture *f = *state;
    struct lg_tensor *t = tensor(f, "config");
    struct lg_gnn_config want = {.feature_version = 2};
    int64_t *v = t->data;

    refused(f, &want, LG_EUNSUP, "has feature_version 1, 2 is needed");
    want = (struct lg_gnn_config){.vocab = 65};
    refused(f, &want, LG_EUNSUP, "has vocab 64, 65 is needed");
    v[0] = 2;
    refused(f, NULL, LG_EUNSUP, "model format 2");
    v[0] = 1;
    v[2] = LG_GNN_MAX_VOCAB; /* a lie that would cost memory */
    refused(f, NULL, LG_ECORRUPT, "larger than the file");
    v[2] = -1;
    refused(f, NULL, LG_EINVAL, "vocab is -1");
    v[2] = 64;
    v[4] = 3;
    refused(f, NULL, LG_EINVAL, "no multiple");
    v[4] = 2;
    v[5] = INT64_MAX;
    refused(f, NULL, LG_EINVAL, "layers is");
    v[5] = 3;
    refused(f, NULL, LG_ECORRUPT, "layers.2.w.weight is missing");
    v[5] = 2;
    accepted(f);
    t->dtype = LG_F64;
    refused(f, NULL, LG_EUNSUP, "config is not");
    t->dtype = LG_I64;
    t->name[0] = 'x';
    refused(f, NULL, LG_EUNSUP, "config is missing");
    t->name[0] = 'c';
}

static void test_load_names_the_file(void **state)
{
    struct lg_gnn_model *model;
    const struct lg_gnn_config want = {.feature_version = 9};
    struct lg_err err = {0};

    (void)state;
    assert_int_equal(lg_gnn_model_load(GOLDEN "tiny.pt", &want, &model, &err), LG_EUNSUP);
    assert_non_null(strstr(err.text, "tiny.pt: "));
    assert_int_equal(lg_gnn_model_load(GOLDEN "containers.pt", NULL, &model, &err), LG_EUNSUP);
    assert_non_null(strstr(err.text, "config is missing"));
    assert_int_equal(
            lg_gnn_model_load(GOLDEN "hostile_system.pt", NULL, &model, &err), LG_EREFUSED);
    assert_non_null(strstr(err.text, "posix.system"));
}

static void test_out_of_memory(void **state)
{
    int rc = LG_ENOMEM;
    uint64_t n = 1;

    (void)state;
    for (; rc == LG_ENOMEM && n < 2000; n++) {
        struct lg_gnn_model *model = NULL;

        lg_mem_fail_from(n);
        rc = lg_gnn_model_load(GOLDEN "tiny.pt", NULL, &model, NULL);
        lg_mem_fail_from(0);
        lg_gnn_model_free(model);
    }
    assert_int_equal(rc, 0);
    assert_true(n > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_values, setup, teardown),
            cmocka_unit_test_setup_teardown(test_shapes, setup, teardown),
            cmocka_unit_test_setup_teardown(test_config, setup, teardown),
            cmocka_unit_test(test_load_names_the_file),
            cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
