/*
 * BLAKE2b (RFC 7693) over several messages at a time: lane i of every vector belongs to message i.
 * The including file defines LG_TARGET, LANES, the vector type `vu` of LANES 64-bit words with
 * vu_add, vu_xor, vu_ror(x, n), vu_load, vu_store and vu_set1, and transpose(m, block), which puts
 * word w of every lane's block into m[w]; and RUN, the function's name.
 */
#define VG(r, i, a, b, c, d)                                                                       \
    a = vu_add(vu_add(a, b), m[sigma[r][2 * (i)]]);                                                \
    d = vu_ror(vu_xor(d, a), 32);                                                                  \
    c = vu_add(c, d);                                                                              \
    b = vu_ror(vu_xor(b, c), 24);                                                                  \
    a = vu_add(vu_add(a, b), m[sigma[r][2 * (i) + 1]]);                                            \
    d = vu_ror(vu_xor(d, a), 16);                                                                  \
    c = vu_add(c, d);                                                                              \
    b = vu_ror(vu_xor(b, c), 63)

#define VROUND(r)                                                                                  \
    do {                                                                                           \
        VG(r, 0, v0, v4, v8, v12);                                                                 \
        VG(r, 1, v1, v5, v9, v13);                                                                 \
        VG(r, 2, v2, v6, v10, v14);                                                                \
        VG(r, 3, v3, v7, v11, v15);                                                                \
        VG(r, 4, v0, v5, v10, v15);                                                                \
        VG(r, 5, v1, v6, v11, v12);                                                                \
        VG(r, 6, v2, v7, v8, v13);                                                                 \
        VG(r, 7, v3, v4, v9, v14);                                                                 \
    } while (0)

#define VEND(i, x, y) vu_store(s->h[i], vu_xor(vu_load(s->h[i]), vu_xor(x, y)))

/* One block of every lane into its state. */
LG_TARGET static void RUN(struct lanes *s)
{
    vu m[16];
    vu v0 = vu_load(s->h[0]), v1 = vu_load(s->h[1]), v2 = vu_load(s->h[2]), v3 = vu_load(s->h[3]);
    vu v4 = vu_load(s->h[4]), v5 = vu_load(s->h[5]), v6 = vu_load(s->h[6]), v7 = vu_load(s->h[7]);
    vu v8 = vu_set1(iv[0]), v9 = vu_set1(iv[1]), v10 = vu_set1(iv[2]), v11 = vu_set1(iv[3]);
    vu v12 = vu_xor(vu_set1(iv[4]), vu_load(s->bytes)), v13 = vu_set1(iv[5]);
    vu v14 = vu_xor(vu_set1(iv[6]), vu_load(s->final)), v15 = vu_set1(iv[7]);

    transpose(m, s->block);
    VROUND(0);
    VROUND(1);
    VROUND(2);
    VROUND(3);
    VROUND(4);
    VROUND(5);
    VROUND(6);
    VROUND(7);
    VROUND(8);
    VROUND(9);
    VROUND(10);
    VROUND(11);
    VEND(0, v0, v8);
    VEND(1, v1, v9);
    VEND(2, v2, v10);
    VEND(3, v3, v11);
    VEND(4, v4, v12);
    VEND(5, v5, v13);
    VEND(6, v6, v14);
    VEND(7, v7, v15);
}

#undef VG
#undef VROUND
#undef VEND
