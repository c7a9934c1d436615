//! The variables of single functions.

use std::time::Duration;

use super::{problem_of, problems_of, settings_from};
use crate::{config::FunctionOverride, error::LayerKind};

#[test]
fn a_functions_variables_are_found_by_its_name() {
    let settings = settings_from(&[
        ("HYBRID_CACHE_FN_CATALOG_PRODUCT_TTL", "10"),
        ("HYBRID_CACHE_FN_CATALOG_PRODUCT_ENABLED", "no"),
        ("HYBRID_CACHE_FN_CATALOG_PRODUCT_LAYERS", "mem"),
    ]);
    let settings = settings.unwrap();

    let expected = FunctionOverride {
        enabled: Some(false),
        ttl: Some(Duration::from_secs(10)),
        layers: Some(vec![LayerKind::Memory]),
    };
    for name in ["catalog.product", "catalog_product", "Catalog-Product"] {
        assert_eq!(settings.function(name), expected, "{name}");
    }
    assert_eq!(settings.function("product"), FunctionOverride::default());
    assert_eq!(settings.function(""), FunctionOverride::default());
}

#[test]
fn the_last_word_of_a_variable_is_what_it_sets() {
    let settings = settings_from(&[
        ("HYBRID_CACHE_FN_USER_TTL_TTL", "1"),
        ("HYBRID_CACHE_FN_USER_TTL", "2"),
        ("HYBRID_CACHE_FN_USER_TTL_ENABLED", "off"),
    ]);
    let settings = settings.unwrap();

    assert_eq!(settings.function("user_ttl").ttl, Some(Duration::from_secs(1)));
    assert_eq!(settings.function("user_ttl").enabled, Some(false));
    assert_eq!(settings.function("user").ttl, Some(Duration::from_secs(2)));
    assert_eq!(settings.function("user").enabled, None);
}

#[test]
fn characters_outside_ascii_stand_as_one_underscore_each() {
    let settings =
        settings_from(&[("HYBRID_CACHE_FN_CAF__TTL", "1"), ("HYBRID_CACHE_FN___2_TTL", "2")]).unwrap();
    assert_eq!(settings.function("café").ttl, Some(Duration::from_secs(1)));
    assert_eq!(settings.function("ß::2"), FunctionOverride::default(), "three underscores and a digit");
    assert_eq!(settings.function("ß.2").ttl, Some(Duration::from_secs(2)));
}

#[test]
fn a_value_of_a_functions_variable_is_checked_like_that_of_the_global_one() {
    assert!(problem_of("HYBRID_CACHE_FN_PRODUCT_TTL", "0").contains("is no time at all"));
    assert!(problem_of("HYBRID_CACHE_FN_PRODUCT_ENABLED", "maybe").contains("is not a boolean"));
    assert!(problem_of("HYBRID_CACHE_FN_PRODUCT_LAYERS", "mem,mem").contains("a layer twice"));
}

#[test]
fn one_bad_variable_of_a_function_leaves_its_others_in_force() {
    let environment = crate::config::Environment::of([
        ("HYBRID_CACHE_FN_PRODUCT_TTL", "nonsense"),
        ("HYBRID_CACHE_FN_PRODUCT_ENABLED", "off"),
    ]);
    let product = crate::config::Settings::at_first_use(&environment).function("product");
    assert_eq!((product.ttl, product.enabled), (None, Some(false)));
}

#[test]
fn a_functions_variable_with_an_unknown_last_word_is_unknown() {
    for (variable, meant) in [
        ("HYBRID_CACHE_FN_PRODUCT_TTLL", Some("HYBRID_CACHE_FN_PRODUCT_TTL")),
        ("HYBRID_CACHE_FN_PRODUCT_LAYER", Some("HYBRID_CACHE_FN_PRODUCT_LAYERS")),
        ("HYBRID_CACHE_FN_A_B_ENABLE", Some("HYBRID_CACHE_FN_A_B_ENABLED")),
        ("HYBRID_CACHE_FN_product_TTL", Some("HYBRID_CACHE_FN_PRODUCT_TTL")),
        ("HYBRID_CACHE_FN_PRODUCT_CAPACITY", None),
        ("HYBRID_CACHE_FN_PRODUCT", None),
        ("HYBRID_CACHE_FN_TTL", None),
        ("HYBRID_CACHE_FN__TTL", None),
        ("HYBRID_CACHE_FN_", None),
        ("HYBRID_CACHE_FN", None),
    ] {
        let problem = problem_of(variable, "1");
        assert!(problem.contains("there is no such variable"), "{problem}");
        match meant {
            Some(meant) => assert!(problem.ends_with(&format!("did you mean {meant}?")), "{problem}"),
            None => assert!(!problem.contains("did you mean"), "{problem}"),
        }
    }
}

#[test]
fn many_functions_are_told_apart() {
    let variables: Vec<_> = (1..=200).map(|n| (format!("HYBRID_CACHE_FN_F{n}_TTL"), n.to_string())).collect();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(problems_of(&variables), Vec::<String>::new());
    let settings = settings_from(&variables).unwrap();
    for n in 1..=200 {
        assert_eq!(settings.function(&format!("f{n}")).ttl, Some(Duration::from_secs(n)));
    }
}
