/* Newman and Ziff's site sweep as published: Phys. Rev. E 64, 016706 (2001), Sec. II and appendix.
 *
 * A table of neighbours, one int per site that holds the parent or minus the size, recursive find with full path
 * compression, union by size. Reads nothing, allocates nothing: the caller owns every array.
 */
#include <stdint.h>
#include <stdlib.h>

static uint64_t state;

/* xorshift64* of Marsaglia and Vigna; the paper used the generator of its authors. */
static uint64_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717ULL;
}

static int find(int *ptr, int i)
{
    if (ptr[i] < 0)
        return i;
    return ptr[i] = find(ptr, ptr[i]);
}

static void permutation(int *order, int n_sites)
{
    for (int i = 0; i < n_sites; i++)
        order[i] = i;
    for (int i = 0; i < n_sites; i++) {
        int j = i + (int)((n_sites - i) * ((next() >> 11) * 0x1p-53));
        int swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
}

/* neighbours: (n_sites, degree); largest: n_sites values, the largest cluster after each opened site. */
void site_sweep(int n_sites, int degree, const int *neighbours, uint64_t seed, int *order, int *ptr, int *largest)
{
    const int empty = -n_sites - 1;
    int big = 0;

    state = seed;
    permutation(order, n_sites);
    for (int i = 0; i < n_sites; i++)
        ptr[i] = empty;
    for (int i = 0; i < n_sites; i++) {
        int r1 = order[i];
        ptr[r1] = -1;
        for (int j = 0; j < degree; j++) {
            int s2 = neighbours[(int64_t)order[i] * degree + j];
            if (ptr[s2] != empty) {
                int r2 = find(ptr, s2);
                if (r2 != r1) {
                    if (ptr[r1] > ptr[r2]) {
                        ptr[r2] += ptr[r1];
                        ptr[r1] = r2;
                        r1 = r2;
                    } else {
                        ptr[r1] += ptr[r2];
                        ptr[r2] = r1;
                    }
                    if (-ptr[r1] > big)
                        big = -ptr[r1];
                }
            }
        }
        if (big == 0)
            big = 1;
        largest[i] = big;
    }
}
