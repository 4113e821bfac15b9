/* Batch normalization in C, judged over a pipe; bnconform/pipe.md is the protocol.
 *
 *     cc -O2 -o batch_norm batch_norm.c -lm
 *     bnconform run --adapter pipe:./batch_norm
 *
 * Rules: one frame is answered by one frame; standard output holds nothing else; the program ends with its standard
 * input. Numbers of either type are computed in double. A little-endian machine is assumed, and a well-formed case.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIPTION \
    "{\"kind\": \"Described\", \"implementations\": [{\"name\": \"c.batch_norm\", \"version\": \"1.0\"," \
    " \"dtypes\": [\"float32\", \"float64\"], \"ranks\": [2, 3, 4, 5]}]}"

enum { X, DY, GAMMA, BETA, MEAN, VAR, INPUTS };
static const char *const inputs[] = {"x", "dy", "gamma", "beta", "running_mean", "running_var"};
static const char *const outputs[] = {"y", "dx", "dgamma", "dbeta", "running_mean", "running_var"};
enum { Y, DX, DGAMMA, DBETA, NEW_MEAN, NEW_VAR, OUTPUTS };

typedef struct {
    int training, wide; /* wide: float64 */
    double eps, momentum;
    size_t rank, shape[8], size, outer, channels, inner; /* x[outer][channels][inner] */
    double *in[INPUTS], *out[OUTPUTS];                   /* NULL: absent, or not asked for */
} Problem;

/* Batch normalization itself, channel by channel. */

#define EACH(i, p, c) \
    for (size_t o_ = 0; o_ < (p)->outer; o_++) \
        for (size_t i = (o_ * (p)->channels + (c)) * (p)->inner, end_ = i + (p)->inner; i < end_; i++)

static double inverse_root(double variance, double eps)
{
#ifdef WRONG_EPSILON
    return 1 / (sqrt(variance) + eps);
#else
    return 1 / sqrt(variance + eps);
#endif
}

static void update(Problem *p, size_t c, double mean, double var)
{
    double m = (double)(p->outer * p->inner), w = p->momentum;
    p->out[NEW_MEAN][c] = (1 - w) * p->in[MEAN][c] + w * mean;
    p->out[NEW_VAR][c] = (1 - w) * p->in[VAR][c] + w * (var * (m / (m - 1)));
}

static void backward(Problem *p, size_t c, double gamma, double mean, double r)
{
    const double *x = p->in[X], *dy = p->in[DY];
    double m = (double)(p->outer * p->inner), sum = 0, along = 0;
    EACH(i, p, c) {
        sum += dy[i];
        along += dy[i] * ((x[i] - mean) * r);
    }
    EACH(i, p, c) {
        double through = p->training ? sum / m + (x[i] - mean) * r * (along / m) : 0;
        p->out[DX][i] = gamma * r * (dy[i] - through);
    }
    p->out[DGAMMA][c] = along;
    p->out[DBETA][c] = sum;
}

static void normalize(Problem *p, size_t c)
{
    const double *x = p->in[X];
    double m = (double)(p->outer * p->inner), mean = 0, var = 0;
    double gamma = p->in[GAMMA] ? p->in[GAMMA][c] : 1, beta = p->in[BETA] ? p->in[BETA][c] : 0;
    if (p->training) {
        EACH(i, p, c) mean += x[i];
        mean /= m;
        EACH(i, p, c) var += (x[i] - mean) * (x[i] - mean);
        var /= m;
    } else {
        mean = p->in[MEAN][c];
        var = p->in[VAR][c];
    }
    double r = inverse_root(var, p->eps);
    EACH(i, p, c) p->out[Y][i] = gamma * ((x[i] - mean) * r) + beta;
    if (p->out[NEW_MEAN])
        update(p, c, mean, var);
    if (p->out[DX])
        backward(p, c, gamma, mean, r);
}

/* JSON, as far as it takes to read it: a text is walked through, nothing is built. */

static const char *blank(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

static const char *after(const char *p) /* what follows the value at p, and the comma or colon behind it */
{
    if (*p == '"') {
        for (p++; *p && *p != '"'; p++)
            p += *p == '\\' && p[1];
        p += *p == '"';
    } else if (*p == '{' || *p == '[') {
        for (p = blank(p + 1); *p && *p != '}' && *p != ']';)
            p = after(p);
        p += *p != 0;
    } else {
        p += strcspn(p, ",:]} \t\r\n");
    }
    p = blank(p);
    return *p == ',' || *p == ':' ? blank(p + 1) : p;
}

static const char *member(const char *object, const char *name) /* the value of that name, or NULL */
{
    size_t length = strlen(name);
    for (const char *key = object ? blank(object + 1) : ""; *key == '"'; key = after(after(key)))
        if (!strncmp(key + 1, name, length) && key[1 + length] == '"')
            return after(key);
    return NULL;
}

static double number(const char *object, const char *name)
{
    const char *value = member(object, name);
    return value ? strtod(value, NULL) : 0;
}

static char *unquoted(const char *value) /* JSON within JSON escapes nothing but " and \ */
{
    char *text = malloc(strlen(value) + 1), *end = text;
    for (const char *p = value + 1; *p && *p != '"'; p++)
        *end++ = *p == '\\' ? *++p : *p;
    *end = 0;
    return text;
}

/* Frames: a case that is read, an answer that is written. */

static double *loaded(const Problem *p, const char *about, const char *data)
{
    const char *offsets = about ? member(about, "data_offsets") : NULL;
    if (!offsets)
        return NULL;
    size_t start = strtoull(offsets + 1, NULL, 10), end = strtoull(after(offsets + 1), NULL, 10);
    size_t count = (end - start) / (p->wide ? 8 : 4);
    double *values = malloc(8 * count + 1);
    for (size_t i = 0; i < count; i++) {
        float narrow = 0;
        memcpy(p->wide ? (void *)(values + i) : &narrow, data + start + i * (p->wide ? 8 : 4), p->wide ? 8 : 4);
        if (!p->wide)
            values[i] = narrow;
    }
    return values;
}

static void send(const char *message, const Problem *p) /* p: NULL where there are no arrays */
{
    char header[4096], *data = malloc(p ? 8 * (2 * p->size + 4 * p->channels) + 1 : 1);
    size_t used = (size_t)sprintf(header, "{\"__metadata__\": {\"bnconform\": \""), end = 0;
    for (; *message; header[used++] = *message++)
        if (*message == '"' || *message == '\\')
            header[used++] = '\\';
    used += (size_t)sprintf(header + used, "\"}");
    for (int k = 0; p && k < OUTPUTS; k++) {
        size_t start = end, rank = k <= DX ? p->rank : 1, count = k <= DX ? p->size : p->channels;
        if (!p->out[k])
            continue;
        for (size_t i = 0; i < count; i++, end += p->wide ? 8 : 4) {
            float narrow = (float)p->out[k][i];
            memcpy(data + end, p->wide ? (void *)(p->out[k] + i) : &narrow, p->wide ? 8 : 4);
        }
        used += (size_t)sprintf(header + used, ", \"%s\": {\"dtype\": \"F%d\", \"shape\": [", outputs[k], 32 << p->wide);
        for (size_t d = 0; d < rank; d++)
            used += (size_t)sprintf(header + used, "%s%zu", d ? ", " : "", rank > 1 ? p->shape[d] : p->channels);
        used += (size_t)sprintf(header + used, "], \"data_offsets\": [%zu, %zu]}", start, end);
    }
    header[used++] = '}';
    uint64_t lengths[] = {8 + used + end, used};
    fwrite(lengths, 8, 2, stdout);
    fwrite(header, 1, used, stdout);
    fwrite(data, 1, end, stdout);
    fflush(stdout);
    free(data);
}

static void read_problem(Problem *p, const char *header, const char *data, const char *settings)
{
    const char *x = member(header, "x"), *extent = blank(member(x, "shape") + 1);
    p->training = !strncmp(member(settings, "mode"), "\"train\"", 7);
    p->wide = !strncmp(member(x, "dtype"), "\"F64\"", 5);
    p->eps = number(settings, "eps");
    p->momentum = number(settings, "momentum");
    for (; *extent != ']'; extent = after(extent))
        p->shape[p->rank++] = strtoull(extent, NULL, 10);
    size_t axis = (size_t)((int)number(settings, "axis") + (int)p->rank) % p->rank;
    p->outer = p->inner = 1;
    for (size_t d = 0; d < p->rank; d++)
        *(d < axis ? &p->outer : d > axis ? &p->inner : &p->channels) *= p->shape[d];
    p->size = p->outer * p->channels * p->inner;
    for (int k = 0; k < INPUTS; k++)
        p->in[k] = loaded(p, member(header, inputs[k]), data);
}

static void solve(const char *header, const char *data)
{
    char *message = unquoted(member(member(header, "__metadata__"), "bnconform"));
    Problem p = {.channels = 1};
    read_problem(&p, header, data, member(message, "case"));
    int averages = p.training && p.in[MEAN];
    int wanted[OUTPUTS] = {1, p.in[DY] != 0, p.in[DY] != 0, p.in[DY] != 0, averages, averages};
    for (int k = 0; k < OUTPUTS; k++)
        p.out[k] = wanted[k] ? malloc(8 * (k <= DX ? p.size : p.channels) + 1) : NULL;
    for (size_t c = 0; c < p.channels; c++)
        normalize(&p, c);
    if (p.training && p.outer * p.inner < 2)
        send("{\"kind\": \"NotOffered\", \"reason\": \"training on less than two values per channel\"}", NULL);
    else
        send("{\"kind\": \"Outcome\"}", &p);
    for (int k = 0; k < OUTPUTS; k++)
        free(p.out[k]);
    for (int k = 0; k < INPUTS; k++)
        free(p.in[k]);
    free(message);
}

int main(void)
{
    uint64_t length, used; /* of the frame, and of the header that it begins with */
    send(DESCRIPTION, NULL);
    while (fread(&length, 8, 1, stdin) == 1 && fread(&used, 8, 1, stdin) == 1) {
        char *header = malloc(used + 1), *data = malloc(length - 8 - used + 1);
        if (fread(header, 1, used, stdin) != used || fread(data, 1, length - 8 - used, stdin) != length - 8 - used)
            return 1;
        header[used] = 0;
        solve(header, data);
        free(header);
        free(data);
    }
    return 0;
}
