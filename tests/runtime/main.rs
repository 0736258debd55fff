//! The same suite for every adapter: an adapter without it is not finished.

mod suite;
mod swap;

/// One module of tests for an adapter: its runtime, and how a future is run to its end on it.
macro_rules! adapter {
    ($name:ident, $runtime:expr, $block_on:expr, [$($suite:ident: $($test:ident),*;)*]) => {
        mod $name {
            $($(
                #[test]
                fn $test() {
                    $block_on(crate::$suite::$test($runtime));
                }
            )*)*
        }
    };
}

/// The suite, written once.
macro_rules! adapters {
    ($($name:ident: $runtime:expr, $block_on:expr;)*) => {
        $(
            adapter!($name, $runtime, $block_on, [
                suite:
                a_host_is_paired_driven_and_left,
                another_controller_is_busy_and_comes_later,
                the_same_peer_takes_its_place_and_nothing_is_held,
                wrong_codes_are_counted,
                many_calls_at_once_are_answered,
                large_bodies_arrive,
                a_dropped_call_is_cancelled,
                programs_of_one_machine_share_a_session,
                a_silent_host_is_given_up,
                a_stranger_who_says_nothing_is_closed,
                a_running_host_shows_a_code_for_another_program;
                swap:
                a_desktop_is_the_same_at_the_end_of_a_link,
                a_desktop_is_the_same_at_the_end_of_a_machine_that_is_kept_connected,
                a_desktop_is_the_same_behind_two_hosts,
                what_a_host_cannot_do_is_refused_in_the_words_of_its_desktop,
                a_stream_of_pictures_comes_through_two_hosts,
                what_is_held_through_two_hosts_is_released_when_the_controller_goes,
                a_cancelled_call_is_cancelled_at_the_far_end,
                a_lost_link_says_that_it_is_not_known_what_was_done,
                a_computer_is_refused_on_the_thread_that_its_link_runs_on;
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
