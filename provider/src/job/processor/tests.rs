use super::*;

fn settings(pairs: &[(&str, &str)]) -> Settings {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn processors_are_typed_where_nothing_is_lost() {
    let found = BTreeMap::from([
        ("files".to_owned(), settings(&[("forward", "true"), ("log_dir", "/x")])),
        ("log".to_owned(), settings(&[])),
        ("syslog".to_owned(), settings(&[("forward", "yes")])),
        ("email".to_owned(), settings(&[("emails", "a@b")])),
    ]);
    let decoded = decode(&found, &Attr::Null);
    let processors = decoded.known().unwrap();
    assert!(processors.files.is_set() && processors.log.is_set() && processors.syslog.is_null());
    assert_eq!(processors.other.known().unwrap().0.len(), 2);
    assert_eq!(encode(processors), found);
}

#[test]
fn a_processor_written_in_the_generic_form_stays_there() {
    let found = BTreeMap::from([("log".to_owned(), settings(&[("forward", "true")]))]);
    let other = Map(BTreeMap::from([("log".to_owned(), Attr::Known(Map(BTreeMap::new())))]));
    let prior = Attr::Known(Processors { other: Attr::Known(other), ..Processors::default() });
    let decoded = decode(&found, &prior);
    assert!(decoded.known().unwrap().log.is_null());
}

/// The attributes about which there is advice.
fn advised(processors: &Processors) -> Vec<String> {
    let findings = advice(&Attr::Known(processors.clone()));
    findings.iter().map(|finding| finding.path.to_string()).collect()
}

#[test]
fn a_processor_that_keeps_the_output_from_another_is_pointed_out() {
    let forward = |forward| Attr::Known(Forward { forward });
    let alone = Processors { log: forward(Attr::Null), ..Processors::default() };
    assert_eq!(advised(&alone), Vec::<String>::new());

    let both = Processors { syslog: forward(Attr::Known(false)), ..alone.clone() };
    assert_eq!(advised(&both), ["processors.log", "processors.syslog"]);

    let passing = Processors {
        log: forward(Attr::Known(true)),
        syslog: forward(Attr::Unknown),
        ..Processors::default()
    };
    assert_eq!(advised(&passing), Vec::<String>::new());

    let other = Map(BTreeMap::from([("email".to_owned(), Attr::Known(Map(BTreeMap::new())))]));
    let mixed = Processors { other: Attr::Known(other), ..alone };
    assert_eq!(advised(&mixed), ["processors.log"]);
}
