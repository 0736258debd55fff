//! The same suite for every adapter: an adapter without it is not finished.

mod suite;

/// One module of tests for an adapter: its runtime, and how a future is run to its end on it.
macro_rules! adapter {
    ($name:ident, $runtime:expr, $block_on:expr, [$($test:ident),* $(,)?]) => {
        mod $name {
            $(
                #[test]
                fn $test() {
                    $block_on(crate::suite::$test($runtime));
                }
            )*
        }
    };
}

/// The suite, written once.
macro_rules! adapters {
    ($($name:ident: $runtime:expr, $block_on:expr;)*) => {
        $(
            adapter!($name, $runtime, $block_on, [
                a_host_is_paired_driven_and_left,
                another_controller_is_busy_and_comes_later,
                the_same_peer_takes_its_place_and_nothing_is_held,
                wrong_codes_are_counted,
                many_calls_at_once_are_answered,
                large_bodies_arrive,
                a_dropped_call_is_cancelled,
                a_silent_host_is_given_up,
                a_stranger_who_says_nothing_is_closed,
                a_running_host_shows_a_code_for_another_program,
            ]);
        )*
    };
}

adapters! {
    tokio: opendesk_tokio::Tokio, |future| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
    };
    smol: opendesk_smol::Smol, smol::block_on;
}
