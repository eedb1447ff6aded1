//! Known answers (P: published, W: ours, N: must be refused) and the receiver's rules.

use super::*;

const P1_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const P2_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const P2_ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const P2_TIMESTAMP: i64 = 1_614_265_330;
const P2_BODY: &[u8] = br#"{"test": 2432232314}"#;
const P3_SECRET: &str =
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const S1: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const S2: &str = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
const K1: &str =
    "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==";
const ID: &str = "evt_01JZ8Q0V3M4N5P6Q7R8S9T0ABC";
const TIMESTAMP: i64 = 1_760_000_000;
const B1: &str = r#"{"id":"evt_01JZ8Q0V3M4N5P6Q7R8S9T0ABC","type":"payment.succeeded","timestamp":"2025-10-09T08:53:20.123Z","api_version":"2026-01-01","data":{"out_trade_no":"T20251009-0001","amount":{"total":888,"currency":"CNY"},"description":"咖啡"}}"#;
const W1: &str = "v1,NcNSCgKceVMISvQCkt/nL91XY2NNWYl3ffczgQb0+Ts=";
const W2: &str = "v1,NcNSCgKceVMISvQCkt/nL91XY2NNWYl3ffczgQb0+Ts= \
                  v1,7G9IitvtDyjG1eFH9lt6Pf4ZbGD3LFPuIQeloUgNlSA=";
const W3: &str =
    "v1a,mBRiojPecZr+vya/eynnX1B054ZM8ELHhJXx2LqToYFLU6VNmqWcSX0GpKLTBr1K3k7iUZVsXNhyPt/5OhHjBA==";
const N1: &str = "v1,Y12wFLxcGLZB0dAubAT/0tHskL+bVasgty8uGT4cJh8=";
const N2: &str = "v1,rgFFn+4B8nMam04u+nMNeiXvi3ngWGpoC2FenhDDprE=";
const N3: &str = "v1,NSD7v9q7nY8W+PPYhgalnYiPyYiswkv6MIGhmVvNvEQ=";

fn secrets(texts: &[&str]) -> Vec<Secret> {
    texts
        .iter()
        .map(|text| Secret::parse(text).unwrap())
        .collect()
}

fn verify_b1(held: &[&str], signature: &str, now: i64) -> Result<(), VerifyError> {
    let timestamp = TIMESTAMP.to_string();
    let headers = SignedHeaders {
        id: ID,
        timestamp: &timestamp,
        signature,
    };
    verify(&secrets(held), &headers, B1.as_bytes(), now, 300)
}

#[test]
fn p1_published_hmac_vector() {
    let body = br#"{"email":"test@example.com","username":"test_user"}"#;
    let signature = sign(
        &secrets(&[P1_SECRET]),
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        1_649_367_553,
        body,
    );
    assert_eq!(signature, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
}

#[test]
fn p2_published_hmac_vector() {
    let signature = sign(&secrets(&[P2_SECRET]), P2_ID, P2_TIMESTAMP, P2_BODY);
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[test]
fn p3_published_ed25519_vector() {
    let held = secrets(&[P3_SECRET]);
    let signature = sign(&held, P2_ID, P2_TIMESTAMP, P2_BODY);
    assert_eq!(
        signature,
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
    );
    assert_eq!(
        held[0].public_text().unwrap(),
        "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
    );
}

#[test]
fn w1_one_hmac_secret() {
    assert_eq!(B1.len(), 236);
    assert_eq!(sign(&secrets(&[S1]), ID, TIMESTAMP, B1.as_bytes()), W1);
}

#[test]
fn w2_rotation_lists_the_newest_first() {
    assert_eq!(sign(&secrets(&[S1, S2]), ID, TIMESTAMP, B1.as_bytes()), W2);
}

#[test]
fn w3_one_ed25519_secret() {
    let held = secrets(&[K1]);
    assert_eq!(sign(&held, ID, TIMESTAMP, B1.as_bytes()), W3);
    assert_eq!(
        held[0].public_text().unwrap(),
        "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    );
}

#[test]
fn w4_empty_body_at_time_zero() {
    assert_eq!(
        sign(&secrets(&[S1]), "evt_0", 0, b""),
        "v1,pdaiyrzSP78/oUXc/zocEamAci80lIkJkeL9+tLpRTU="
    );
    assert_eq!(
        sign(&secrets(&[K1]), "evt_0", 0, b""),
        "v1a,/MJBDacp4AQoOSeMmqI5PQiS8aHkc+puljRwh43vmbCAZIBWTyuAt7JzgcKUdeJCJfr/be/VpYZ8ABtbAwvVBA=="
    );
}

#[test]
fn n1_another_amount_signs_differently_and_is_refused() {
    let tampered = B1.replace("888", "889");
    assert_eq!(
        sign(&secrets(&[S1]), ID, TIMESTAMP, tampered.as_bytes()),
        N1
    );
    assert_eq!(verify_b1(&[S1], N1, TIMESTAMP), Err(VerifyError::NoMatch));
}

#[test]
fn n2_another_timestamp_signs_differently_and_is_refused() {
    assert_eq!(sign(&secrets(&[S1]), ID, TIMESTAMP + 1, B1.as_bytes()), N2);
    assert_eq!(verify_b1(&[S1], N2, TIMESTAMP), Err(VerifyError::NoMatch));
}

#[test]
fn n3_the_secret_text_used_as_key_bytes_is_refused() {
    let message = signed_bytes(ID, &TIMESTAMP.to_string(), B1.as_bytes());
    let mistaken = hmac_over(S1.as_bytes(), &message).finalize().into_bytes();
    assert_eq!(format!("v1,{}", STANDARD.encode(mistaken)), N3);
    assert_eq!(verify_b1(&[S1], N3, TIMESTAMP), Err(VerifyError::NoMatch));
}

#[test]
fn every_accepted_vector_verifies() {
    for (held, signature) in [(S1, W1), (S1, W2), (S2, W2), (K1, W3)] {
        assert_eq!(verify_b1(&[held], signature, TIMESTAMP), Ok(()));
    }
}

#[test]
fn any_of_the_held_secrets_may_match_any_listed_signature() {
    assert_eq!(verify_b1(&[S2, S1], W1, TIMESTAMP), Ok(()));
    assert_eq!(
        verify_b1(&[S1, K1], &format!("v9,AAAA garbage {W3}"), TIMESTAMP),
        Ok(())
    );
    assert_eq!(verify_b1(&[S2], W1, TIMESTAMP), Err(VerifyError::NoMatch));
    assert_eq!(verify_b1(&[], W1, TIMESTAMP), Err(VerifyError::NoMatch));
}

#[test]
fn a_signature_under_the_other_version_is_refused() {
    let relabelled = W1.replacen("v1,", "v1a,", 1);
    assert_eq!(
        verify_b1(&[S1, K1], &relabelled, TIMESTAMP),
        Err(VerifyError::NoMatch)
    );
}

#[test]
fn the_tolerance_holds_in_both_directions() {
    assert_eq!(verify_b1(&[S1], W1, TIMESTAMP + 300), Ok(()));
    assert_eq!(verify_b1(&[S1], W1, TIMESTAMP - 300), Ok(()));
    for now in [TIMESTAMP + 301, TIMESTAMP - 301, i64::MAX, i64::MIN] {
        assert_eq!(
            verify_b1(&[S1], W1, now),
            Err(VerifyError::OutsideTolerance)
        );
    }
}

#[test]
fn a_timestamp_that_is_not_digits_is_refused() {
    for timestamp in [
        "",
        "+1",
        "-1",
        "1e9",
        " 1",
        "1.0",
        "１",
        "99999999999999999999",
    ] {
        let headers = SignedHeaders {
            id: ID,
            timestamp,
            signature: W1,
        };
        let verdict = verify(&secrets(&[S1]), &headers, b"", 1, u64::MAX);
        assert_eq!(
            verdict,
            Err(VerifyError::MalformedTimestamp),
            "{timestamp:?}"
        );
    }
}

#[test]
fn malformed_secrets_are_refused() {
    let short = format!("whsec_{}", STANDARD.encode([0; 23]));
    let long = format!("whsec_{}", STANDARD.encode([0; 65]));
    let odd = format!("whsk_{}", STANDARD.encode([0; 33]));
    let mismatched = format!("whsk_{}", STANDARD.encode([1; 64]));
    for (text, error) in [
        ("", SecretError::UnknownPrefix),
        ("whpk_AAAA", SecretError::UnknownPrefix),
        ("whsec_!!!!", SecretError::NotBase64),
        (&short, SecretError::WrongLength),
        (&long, SecretError::WrongLength),
        (&odd, SecretError::WrongLength),
        (&mismatched, SecretError::MismatchedPublicKey),
    ] {
        assert_eq!(Secret::parse(text).unwrap_err(), error, "{text}");
    }
}

#[test]
fn a_seed_alone_is_the_same_ed25519_secret() {
    let pair = STANDARD.decode(K1.strip_prefix("whsk_").unwrap()).unwrap();
    let seed_only = Secret::parse(&format!("whsk_{}", STANDARD.encode(&pair[..32]))).unwrap();
    assert_eq!(*seed_only.expose(), K1);
}

#[test]
fn generated_secrets_survive_their_text_and_differ() {
    let (first, second) = (Secret::generate(), Secret::generate());
    assert_ne!(*first.expose(), *second.expose());
    let copy = Secret::parse(&first.expose()).unwrap();
    assert_eq!(
        sign(&[copy], ID, TIMESTAMP, b"x"),
        sign(&[first], ID, TIMESTAMP, b"x")
    );
    let asymmetric = Secret::generate_ed25519();
    assert_eq!(
        *Secret::parse(&asymmetric.expose()).unwrap().expose(),
        *asymmetric.expose()
    );
}

#[test]
fn a_secret_does_not_print_itself() {
    for text in [S1, K1] {
        assert_eq!(format!("{:?}", Secret::parse(text).unwrap()), "Secret(***)");
    }
}
