//! Builds of a program that share Redis and disk, and what they make of each other's answers.

use hybrid_cache_test_support::RedisServer;

use crate::program::Settings;

const FIRST: (&str, &str) = ("first_reading", r#"Reading { low: 1, high: 100, unit: "kg" }"#);

/// The first build leaves an answer in a layer; the second does not take it for its own but replaces it; then the
/// first is back, and does not take that of the second either.
fn each_loads_its_own(second: (&str, &str)) {
    for layer in ["redis", "disk"] {
        let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
        let settings = Settings::new().redis(&redis).disk(dir.path());
        let settings = settings.set("HYBRID_CACHE_FN_SHOP_READING_LAYERS", layer);
        for (turn, (build, answer)) in [FIRST, second, FIRST].into_iter().enumerate() {
            let mut program = settings.start();
            assert_eq!(program.call(build, 7), answer, "{build} over {layer}");
            program.ask("flush");
            assert_eq!(program.call(build, 7), answer, "{build} over {layer}, its own");
            let refused = u64::from(turn > 0);
            assert_eq!(
                program.stats(build).of(["loads", layer, "refused"]),
                [1, 1, refused],
                "{build}, {layer}"
            );
            program.quit();
        }
    }
}

#[test]
fn a_struct_with_fields_in_another_order_does_not_come_back_as_garbage() {
    each_loads_its_own(("reordered_reading", r#"Reading { high: 100, low: 1, unit: "kg" }"#));
}

#[test]
fn a_struct_with_fields_of_other_types_does_not_come_back_as_garbage() {
    each_loads_its_own(("retyped_reading", "Reading { low: 1, high: 100, unit: [107, 103] }"));
}

#[test]
fn a_struct_with_a_new_field_does_not_come_back_as_garbage() {
    each_loads_its_own(("extended_reading", r#"Reading { low: 1, high: 100, unit: "kg", remark: None }"#));
}

#[test]
fn answers_of_another_version_are_not_used() {
    each_loads_its_own(("second_reading", FIRST.1));
}

#[test]
fn the_same_build_takes_what_it_left() {
    for layer in ["redis", "disk"] {
        let (redis, dir) = (RedisServer::start(), tempfile::tempdir().unwrap());
        let settings = Settings::new().redis(&redis).disk(dir.path());
        let settings = settings.set("HYBRID_CACHE_FN_SHOP_READING_LAYERS", layer);
        let mut program = settings.start();
        program.call(FIRST.0, 7);
        program.ask("flush");
        program.quit();

        let mut program = settings.start();
        assert_eq!(program.call(FIRST.0, 7), FIRST.1);
        assert_eq!(program.stats(FIRST.0).of(["loads", layer, "refused"]), [0, 1, 0]);
    }
}
