//! The number of places to call.

use admission::{Admission, Bound, OVERCALL_MAX, Slots, slots};
use proptest::prelude::*;

/// Small counts, where bounds meet, and any, where arithmetic overflows.
fn count() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0_u64..20, 4 => 0_u64..5_000, 1 => any::<u64>()]
}

fn state() -> impl Strategy<Value = Slots> {
    let now = (proptest::option::of(count()), count(), count(), count(), count(), count());
    (now, [count(), count(), count(), count(), count()]).prop_map(|(now, ended)| {
        let (active_max, left, in_baskets, active, outstanding, waiting) = now;
        let [lapsed_called, lapsed_claimed, finished, spent, taken] = ended;
        Slots {
            active_max,
            left,
            in_baskets,
            active,
            idle: 0.0,
            outstanding: outstanding as f64,
            waiting,
            lapsed_called,
            lapsed_claimed,
            finished,
            spent,
            taken,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_state_breaks_a_bound(state in state(), allowance in count()) {
        let admission = slots(&state);
        let Admission { limit, room, call, bound } = admission;
        let cap = state.active_max.unwrap_or(u64::MAX);
        prop_assert!(limit <= cap);
        prop_assert_eq!(limit > 0, state.left > 0 && cap > 0);
        prop_assert!(room <= limit.saturating_sub(state.active));
        prop_assert!(call <= state.waiting);
        prop_assert!(call as f64 <= room as f64 * OVERCALL_MAX);
        // Even if all who are called come at once.
        let most = state.active as f64 + (state.outstanding + call as f64 - 1.0);
        prop_assert!(call == 0 || most <= limit as f64 * OVERCALL_MAX);
        prop_assert_eq!(bound == Bound::SoldOut, state.left == 0 && state.in_baskets == 0);
        prop_assert!(bound != Bound::Waiting || call == state.waiting);
        prop_assert!(bound != Bound::ActiveMax || limit == cap || state.active >= cap);
        let paced = admission.paced(allowance);
        prop_assert_eq!(paced.call, call.min(allowance));
        prop_assert_eq!(paced.bound == Bound::Pace, allowance < call);
        prop_assert_eq!(admission.paused().call, 0);
    }

    #[test]
    fn more_tickets_never_call_fewer(state in state(), more in count()) {
        let fewer = slots(&state);
        let more = slots(&Slots { left: state.left.saturating_add(more), ..state });
        prop_assert!(fewer.limit <= more.limit);
        prop_assert!(fewer.room <= more.room);
        prop_assert!(fewer.call <= more.call);
    }

    #[test]
    fn idle_passes_make_room_within_active_max(state in state(), idle in count()) {
        let with = slots(&Slots { idle: idle as f64, ..state });
        let without = slots(&state);
        prop_assert!(with.call >= without.call && with.limit == without.limit);
        let cap = state.active_max.unwrap_or(u64::MAX);
        prop_assert!(with.room <= with.limit && with.room <= cap.saturating_sub(state.active));
    }

    /// Nobody shops, nobody is on the way: somebody is called.
    #[test]
    fn empty_shop_calls_somebody(state in state()) {
        let cap = state.active_max.unwrap_or(1);
        prop_assume!(state.left > 0 && state.waiting > 0 && cap > 0);
        let empty = Slots { active: 0, outstanding: 0.0, ..state };
        prop_assert!(slots(&empty).call > 0);
    }
}

/// An event with 100 tickets, plenty of customers and nothing measured.
const START: Slots = Slots {
    active_max: None,
    left: 100,
    in_baskets: 0,
    active: 0,
    idle: 0.0,
    outstanding: 0.0,
    waiting: 10_000,
    lapsed_called: 0,
    lapsed_claimed: 0,
    finished: 0,
    spent: 0,
    taken: 0,
};

#[test]
fn first_call_assumes_a_pair_of_tickets_per_place() {
    let expected = Admission { limit: 57, room: 57, call: 57, bound: Bound::Stock };
    assert_eq!(slots(&START), expected);
    assert_eq!(slots(&Slots { outstanding: 57.0, ..START }).call, 0);
    assert_eq!(slots(&Slots { active: 30, outstanding: 26.0, ..START }).call, 1);
    assert_eq!(slots(&Slots { left: 1, ..START }).limit, 1);
}

#[test]
fn idle_passes_keep_nobody_out_but_by_active_max() {
    let active = Slots { active: 57, ..START };
    assert_eq!(slots(&active).call, 0);
    assert_eq!(slots(&Slots { idle: 20.0, ..active }).call, 20);
    let full = Slots { idle: 20.0, active_max: Some(60), ..active };
    assert_eq!(slots(&full).call, 3);
    let full = Slots { active: 60, ..full };
    assert_eq!((slots(&full).call, slots(&full).bound), (0, Bound::ActiveMax));
    // The last ticket does not wait for those who let their passes expire.
    assert_eq!(slots(&Slots { left: 1, active: 5, idle: 5.0, ..START }).call, 1);
}

#[test]
fn measurements_replace_the_assumptions() {
    // Baskets of 2 from half of the passes, half of which were claimed in time.
    let passes = Slots { finished: 980, spent: 480, taken: 960, ..START };
    assert_eq!(slots(&passes).limit, 113);
    let larger = Slots { finished: 980, spent: 980, taken: 2_960, ..START };
    assert_eq!(slots(&larger).limit, 38);
    let lapsed = Slots { lapsed_called: 998, lapsed_claimed: 498, ..passes };
    assert_eq!(lapsed.claim_ratio(), 0.5);
    assert_eq!(slots(&lapsed).call, 226);
    assert_eq!(slots(&Slots { outstanding: 100.0, ..lapsed }).call, 126);
    // The first places to lapse count.
    assert_eq!(Slots { lapsed_called: 2, ..START }.claim_ratio(), 0.5);
    // Nobody comes: no more than four times as many are called, at once or in steps.
    let none = Slots { lapsed_called: 100_000, ..START };
    assert_eq!(slots(&none).call, 228);
    assert_eq!(slots(&Slots { outstanding: 228.0, ..none }).call, 0);
}

#[test]
fn bound_says_why() {
    let cases = [
        (START, Bound::Stock),
        (Slots { active_max: Some(50), ..START }, Bound::ActiveMax),
        (Slots { active_max: Some(0), ..START }, Bound::ActiveMax),
        (Slots { left: 100_000, waiting: 100_000, ..START }, Bound::Stock),
        (Slots { waiting: 10, ..START }, Bound::Waiting),
        (Slots { waiting: 0, ..START }, Bound::Waiting),
        (Slots { left: 0, ..START }, Bound::SoldOut),
        (Slots { left: 0, in_baskets: 1, ..START }, Bound::Stock),
    ];
    for (state, bound) in cases {
        assert_eq!(slots(&state).bound, bound, "{state:?}");
    }
    assert_eq!(slots(&START).paused().bound, Bound::Paused);
    assert_eq!(slots(&Slots { left: 0, ..START }).paused().bound, Bound::SoldOut);
    assert_eq!(slots(&START).paced(3).bound, Bound::Pace);
    let labels = Bound::ALL.map(Bound::label);
    assert_eq!(labels, ["stock", "active_max", "waiting", "pace", "paused", "sold_out"]);
}

#[test]
fn unused_passes_hold_nobody_up_for_long() {
    let waits = Slots { left: 1, active: 5, ..START };
    let admission = slots(&waits);
    assert_eq!((admission.call, admission.bound), (0, Bound::Stock));
    for (since_call_ms, call) in [(0, 0), (74_999, 0), (75_000, 1), (u64::MAX, 1)] {
        assert_eq!(admission.kept_moving(since_call_ms, 600_000).call, call, "{since_call_ms}");
    }
    // Nothing is left, the shop is full, or somebody is called anyway.
    for state in [
        Slots { left: 0, in_baskets: 3, ..START },
        Slots { active_max: Some(5), active: 5, ..START },
        Slots { waiting: 0, ..START },
        START,
    ] {
        assert_eq!(slots(&state).kept_moving(u64::MAX, 600_000), slots(&state), "{state:?}");
    }
}
