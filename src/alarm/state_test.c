#include "alarm/state.h"

#include "alarm_rig.h"

/* What ISA-18.2 says, written down a second time: one line per state, one word per input.
 *   .  stays    x  not allowed    > by the condition or the next layer    r  returned or latched
 *   a letter: N U A R L(atched, not seen) l(atched, seen) S D(esign) O                       */
static const struct {
    enum alarm_state from;
    const char *to; /* raise return ack reset shelve unshelve suppress unsuppress out back */
} expected[ALARM_STATES] = {
    {ALARM_NORMAL, "U . x x S x D x O x"},
    {ALARM_UNACK, ". r A x S x D x O x"},
    {ALARM_ACKED, ". n x x S x D x O x"},
    {ALARM_RETURNED, "U . N x S x D x O x"},
    {ALARM_LATCHED_UNACK, "U . l R S x D x O x"},
    {ALARM_LATCHED_ACKED, "U . x N S x D x O x"},
    {ALARM_SHELVED, ". . x x . > D x O x"},
    {ALARM_SUPPRESSED, ". . x x x x . > O x"},
    {ALARM_OUT_OF_SERVICE, ". . x x x x . . x >"},
};

static enum alarm_state letter_state(char c)
{
    const char letters[] = "NUARLlSDO";
    return (enum alarm_state)(strchr(letters, c) - letters);
}

static enum alarm_state expect(enum alarm_state from, char c, const struct alarm_facts *f)
{
    switch (c) {
    case '.': return from;
    case 'r': return f->latch ? ALARM_LATCHED_UNACK : f->ack_needed ? ALARM_RETURNED : ALARM_NORMAL;
    case 'n': return f->latch ? ALARM_LATCHED_ACKED : ALARM_NORMAL;
    case 'R': return f->ack_needed ? ALARM_RETURNED : ALARM_NORMAL;
    case '>':
        if (f->out) return ALARM_OUT_OF_SERVICE;
        if (f->suppressed) return ALARM_SUPPRESSED;
        if (f->shelved) return ALARM_SHELVED;
        if (f->active) return ALARM_UNACK;
        return f->latched ? ALARM_LATCHED_UNACK : ALARM_NORMAL;
    default: return letter_state(c);
    }
}

TEST(every_state_takes_every_input_as_the_standard_says)
{
    for (uint32_t s = 0; s < ALARM_STATES; s++)
        for (uint32_t i = 0; i < ALARM_INPUTS; i++)
            for (uint32_t bits = 0; bits < 128; bits++) {
                struct alarm_facts f = {bits & 1, bits >> 1 & 1, bits >> 2 & 1, bits >> 3 & 1,
                                        bits >> 4 & 1, bits >> 5 & 1, bits >> 6 & 1};
                enum alarm_state to = ALARM_STATES;
                const char *why = NULL;
                char c = expected[s].to[2 * i];
                bool taken = alarm_step((enum alarm_state)s, (enum alarm_input)i, &f, &to, &why);
                CHECK_SAY(taken == (c != 'x'), "%s, input %u", alarm_state_name((enum alarm_state)s),
                          i);
                if (!taken) {
                    CHECK(why != NULL && why[0] != 0);
                    continue;
                }
                enum alarm_state wanted = expect(expected[s].from, c, &f);
                CHECK_SAY(to == wanted, "%s, input %u, facts %u: %s, expected %s",
                          alarm_state_name((enum alarm_state)s), i, bits, alarm_state_name(to),
                          alarm_state_name(wanted));
            }
}

/* The same on simulated time, through the calls that people and machines make: a way into each state,
 * then each thing that can be done there. */
enum deed { RAISES, RETURNS, ACK, RESET, SHELVE, UNSHELVE, SUPPRESS, UNSUPPRESS, TAKE_OUT, PUT_BACK,
            SHELF_ENDS, STOP_BEGINS, STOP_ENDS, DEEDS };

static andon_status act(struct rig *g, enum deed deed, uint64_t id)
{
    static const uint8_t verb[] = {[ACK] = ALARM_DO_ACK, [RESET] = ALARM_DO_RESET,
                                   [UNSHELVE] = ALARM_DO_UNSHELVE,
                                   [SUPPRESS] = ALARM_DO_SUPPRESS,
                                   [UNSUPPRESS] = ALARM_DO_UNSUPPRESS,
                                   [TAKE_OUT] = ALARM_DO_TAKE_OUT,
                                   [PUT_BACK] = ALARM_DO_PUT_BACK};
    struct alarm_window w;
    uint32_t windows;
    g->now_ns += SECOND;
    switch (deed) {
    case RAISES: rig_bad(g); return ANDON_OK;
    case RETURNS: rig_good(g); return ANDON_OK;
    case SHELVE: return rig_act(g, ALARM_DO_SHELVE, id, g->now_ns + MINUTE);
    case SHELF_ENDS: rig_wait(g, 2 * MINUTE); return ANDON_OK;
    case STOP_BEGINS:
        if (!rig_plan(g, "site/pumps/*", g->now_ns, g->now_ns + HOUR, &w)) return ANDON_EINVAL;
        rig_wait(g, 10 * SECOND);
        return ANDON_OK;
    case STOP_ENDS: {
        const struct alarm_window *v = alarms_windows(g->alarms, &windows);
        andon_status st = alarms_unplan(g->alarms, windows > 0 ? v->id : 0, g->now_ns, &g->err);
        rig_wait(g, 10 * SECOND);
        return st;
    }
    default: return rig_act(g, (enum alarm_verb)verb[deed], id, 0);
    }
}

struct walk {
    bool latch;
    const char *deeds; /* deeds as letters, the state after each; 'x' after a deed: refused */
};
/* deeds: r aises, g oes, a ck, z reset, s helve, u nshelve, d suppress, e unsuppress, o ut, b ack,
 * t ime of the shelf is over, [ planned stop begins, ] ends. */
static const struct walk walks[] = {
    {false, "rU rU aA ax gN"},
    {false, "rU gR gR rU gR aN ax"},
    {false, "rU zx ux ex bx aA zx rA ux ex bx gN"},
    {true, "rU gL gL al zN"},
    {true, "rU gL zR aN"},
    {true, "rU aA gl ax zN"},
    {true, "rU gL rU zx aA zx gl zN zx"},
    {true, "rU gL sS ax zx uL al zN"},
    {true, "rU gL oO bL"},
    {false, "rU sS rS gS rS ax zx bx ex sS uU"},
    {false, "rU sS gS uN"},
    {false, "rU aA sS uU"},
    {false, "rU sS tU"},
    {false, "rU sS gS tN"},
    {false, "rU gR sS uN"},
    {false, "rU dD rD gD rD ax zx sx ux dD bx eU"},
    {false, "rU dD gD eN"},
    {false, "rU aA dD eU"},
    {false, "rU [D ax ex ]U"},
    {false, "rU [D gD ]N"},
    {false, "rU [D dD ]D eU"},
    {false, "rU sS [D tD ]U"},
    {false, "rU sS dD eS uU"},
    {false, "rU oO ax zx sx ux ox rO gO rO bU"},
    {false, "rU oO gO bN"},
    {false, "rU oO [O ]O bU"},
    {false, "rU oO [O bD ]U"},
    {false, "rU sS oO bS uU"},
    {false, "rU sS dD oO bD eS uU"},
};

static enum deed deed_of(char c)
{
    const char letters[] = "rgazsudeobt[]";
    const enum deed deeds[] = {RAISES, RETURNS, ACK, RESET, SHELVE, UNSHELVE, SUPPRESS, UNSUPPRESS,
                               TAKE_OUT, PUT_BACK, SHELF_ENDS, STOP_BEGINS, STOP_ENDS};
    return deeds[strchr(letters, c) - letters];
}

static void walk(const struct walk *w, bool restarts)
{
    struct rig g;
    rig_set(&g);
    g.options.type[ALARM_ANOMALY].latch = w->latch;
    g.options.type[ALARM_ANOMALY].group_ns = HOUR;
    CHECK(rig_open(&g));
    uint64_t id = 0;
    char before = 'N';
    for (const char *at = w->deeds;; at += 3) {
        andon_status st = act(&g, deed_of(at[0]), id);
        if (id == 0) id = g.last.record.id;
        CHECK_SAY(!restarts || rig_restart(&g), "%s: %s", w->deeds, g.err.text);
        if (at[1] == 'x') {
            CHECK_SAY(st == ANDON_EINVAL && g.err.text[0] != 0, "%s at %s: not refused", w->deeds,
                      at);
        } else {
            CHECK_SAY(st == ANDON_OK, "%s at %s: %s", w->deeds, at, g.err.text);
            before = at[1];
        }
        enum alarm_state wanted = letter_state(before), found = rig_state(&g, id);
        CHECK_SAY(found == wanted, "%s at %s: %s", w->deeds, at,
                  alarm_state_name(found));
        if (at[2] == 0) break;
    }
    rig_close(&g);
}

TEST(an_alarm_walks_through_its_states_on_simulated_time)
{
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) walk(&walks[i], false);
}

TEST(a_restart_after_every_step_changes_nothing)
{
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) walk(&walks[i], true);
}

TEST(names_tell_the_states_apart)
{
    uint32_t states;
    CHECK(alarm_state_named(TEXT("latched"), &states));
    CHECK(states == (1u << ALARM_LATCHED_UNACK | 1u << ALARM_LATCHED_ACKED));
    CHECK(alarm_state_named(TEXT("returned_unacknowledged"), &states));
    CHECK(states == 1u << ALARM_RETURNED);
    CHECK(!alarm_state_named(TEXT("gone"), &states));
}
