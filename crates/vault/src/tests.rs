//! Wrapping and sealing as callers see them: what opens, and everything that must not.

use proptest::prelude::*;

use super::*;

const PLACE: Place<'_> = Place {
    table: "provider_keys",
    column: "api_v3_key",
    row: "prv_1",
};

fn vault() -> Vault {
    Vault::open(Kek::new("k-1", [7; 32]))
}

fn sealed() -> (DataKey, Vec<u8>) {
    let (key, _) = vault().new_data_key("ten_1").unwrap();
    let blob = key.seal(&PLACE, b"secret").unwrap().0;
    (key, blob)
}

#[test]
fn sealed_value_opens_after_the_key_was_stored() {
    let (key, stored) = vault().new_data_key("ten_1").unwrap();
    let blob = key.seal(&PLACE, b"secret").unwrap();
    let reopened = vault().unwrap(&stored).unwrap();
    assert_eq!(
        reopened.open(&PLACE, blob.as_ref()).unwrap().as_slice(),
        b"secret"
    );
    assert_eq!(stored.owner, "ten_1");
    assert_eq!(stored.kek_id, "k-1");
}

#[test]
fn blob_has_the_documented_layout() {
    let (key, blob) = sealed();
    assert_eq!(blob[0], 0x01);
    assert_eq!(
        KeyId::from_bytes(blob[1..17].try_into().unwrap()).to_text(),
        key.id()
    );
    assert_eq!(blob.len(), 1 + 16 + 12 + b"secret".len() + 16);
    assert_eq!(sealing_key_id(&blob).unwrap(), key.id());
}

#[test]
fn value_moved_to_another_place_stays_shut() {
    let (key, blob) = sealed();
    for place in [
        Place {
            table: "api_keys",
            ..PLACE
        },
        Place {
            column: "api_v2_key",
            ..PLACE
        },
        Place {
            row: "prv_2",
            ..PLACE
        },
        Place {
            table: "provider_keysapi_v3_key",
            column: "",
            ..PLACE
        },
    ] {
        assert!(
            matches!(key.open(&place, &blob), Err(VaultError::Open { .. })),
            "{place}"
        );
    }
}

#[test]
fn value_moved_to_another_owner_stays_shut() {
    let (key, blob) = sealed();
    let renamed = DataKey::new(
        KeyId::parse(&key.id()).unwrap(),
        "ten_2",
        Zeroizing::new(*key.bytes()),
    );
    assert!(matches!(
        renamed.open(&PLACE, &blob),
        Err(VaultError::Open { .. })
    ));
    let (other, _) = vault().new_data_key("ten_1").unwrap();
    assert!(matches!(
        other.open(&PLACE, &blob),
        Err(VaultError::OtherDataKey { .. })
    ));
}

#[test]
fn every_flipped_bit_of_a_blob_is_noticed() {
    let (key, blob) = sealed();
    for bit in 0..blob.len() * 8 {
        let mut changed = blob.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(key.open(&PLACE, &changed).is_err(), "bit {bit}");
    }
}

#[test]
fn every_cut_or_lengthened_blob_is_an_error() {
    let (key, blob) = sealed();
    for len in 0..blob.len() {
        assert!(key.open(&PLACE, &blob[..len]).is_err(), "{len} bytes");
    }
    assert!(matches!(
        key.open(&PLACE, &blob[..44]),
        Err(VaultError::BlobLength { len: 44, .. })
    ));
    assert!(matches!(
        sealing_key_id(&[]),
        Err(VaultError::BlobLength { len: 0, .. })
    ));
    let longer = [blob.as_slice(), &[0]].concat();
    assert!(matches!(
        key.open(&PLACE, &longer),
        Err(VaultError::Open { .. })
    ));
}

#[test]
fn wrong_key_encryption_key_unwraps_nothing() {
    let (_, stored) = vault().new_data_key("ten_1").unwrap();
    let named_alike = Vault::open(Kek::new("k-1", [8; 32]));
    assert!(matches!(
        named_alike.unwrap(&stored),
        Err(VaultError::Unwrap { .. })
    ));
    let named_otherwise = Vault::open(Kek::new("k-2", [7; 32]));
    assert!(matches!(
        named_otherwise.unwrap(&stored),
        Err(VaultError::OtherKek { .. })
    ));
}

#[test]
fn stored_key_is_bound_to_its_owner_and_id() {
    let (_, stored) = vault().new_data_key("ten_1").unwrap();
    let moved = WrappedDataKey {
        owner: "ten_2".to_owned(),
        ..stored.clone()
    };
    assert!(matches!(
        vault().unwrap(&moved),
        Err(VaultError::Unwrap { .. })
    ));
    let renamed = WrappedDataKey {
        id: KeyId::random().unwrap().to_text(),
        ..stored.clone()
    };
    assert!(matches!(
        vault().unwrap(&renamed),
        Err(VaultError::Unwrap { .. })
    ));
    let nameless = WrappedDataKey {
        id: "d-7".to_owned(),
        ..stored
    };
    assert!(matches!(
        vault().unwrap(&nameless),
        Err(VaultError::DataKeyId)
    ));
}

#[test]
fn every_damaged_stored_key_is_an_error() {
    let (_, stored) = vault().new_data_key("ten_1").unwrap();
    assert_eq!(stored.wrapped.len(), WRAPPED_LEN);
    for bit in 0..stored.wrapped.len() * 8 {
        let mut changed = stored.clone();
        changed.wrapped[bit / 8] ^= 1 << (bit % 8);
        assert!(vault().unwrap(&changed).is_err(), "bit {bit}");
    }
    for len in (0..WRAPPED_LEN).chain([WRAPPED_LEN + 1]) {
        let mut changed = stored.clone();
        changed.wrapped.resize(len, 0);
        let error = vault().unwrap(&changed).err().unwrap();
        assert!(
            matches!(error, VaultError::WrappedLength { .. }),
            "{len} bytes"
        );
    }
}

#[test]
fn rewrapped_key_opens_old_values_under_the_new_key_only() {
    let (key, stored) = vault().new_data_key("ten_1").unwrap();
    let blob = key.seal(&PLACE, b"secret").unwrap();
    let rotating = Vault::open(Kek::new("k-2", [9; 32])).also_opening(Kek::new("k-1", [7; 32]));
    let rewrapped = rotating.rewrap(&stored).unwrap();
    assert_eq!(
        (rewrapped.id.as_str(), rewrapped.kek_id.as_str()),
        (stored.id.as_str(), "k-2")
    );
    assert!(vault().unwrap(&rewrapped).is_err());
    let rotated = Vault::open(Kek::new("k-2", [9; 32]))
        .unwrap(&rewrapped)
        .unwrap();
    assert_eq!(
        rotated.open(&PLACE, blob.as_ref()).unwrap().as_slice(),
        b"secret"
    );
}

#[test]
fn vault_with_two_keys_opens_what_either_wraps_and_wraps_with_the_first() {
    let both = || Vault::open(Kek::new("k-2", [9; 32])).also_opening(Kek::new("k-1", [7; 32]));
    let (_, before) = vault().new_data_key("ten_1").unwrap();
    let (_, after) = both().new_data_key("ten_1").unwrap();
    assert_eq!(after.kek_id, "k-2");
    both().unwrap(&before).unwrap();
    both().unwrap(&after).unwrap();
    let renamed = WrappedDataKey {
        kek_id: "k-2".to_owned(),
        ..before
    };
    assert!(matches!(
        both().unwrap(&renamed),
        Err(VaultError::Unwrap { .. })
    ));
}

#[test]
fn keys_nonces_and_ids_are_fresh_each_time() {
    let (first, first_stored) = vault().new_data_key("ten_1").unwrap();
    let (second, second_stored) = vault().new_data_key("ten_1").unwrap();
    assert_ne!(first.bytes(), second.bytes());
    assert_ne!(first_stored.id, second_stored.id);
    assert_ne!(
        first.seal(&PLACE, b"x").unwrap(),
        first.seal(&PLACE, b"x").unwrap()
    );
}

#[test]
fn debug_output_holds_no_key() {
    assert_eq!(format!("{:?}", vault()), "Vault(k-1, ***)");
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens_again(
        plaintext in proptest::collection::vec(any::<u8>(), 0..2000),
        owner in ".{0,40}",
        row in ".{0,40}",
    ) {
        let (key, stored) = vault().new_data_key(&owner).unwrap();
        let place = Place { row: &row, ..PLACE };
        let blob = key.seal(&place, &plaintext).unwrap();
        let opened = vault().unwrap(&stored).unwrap().open(&place, blob.as_ref()).unwrap();
        prop_assert_eq!(opened.as_slice(), plaintext);
    }

    #[test]
    fn random_bytes_never_open_and_never_panic(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let (key, stored) = vault().new_data_key("ten_1").unwrap();
        prop_assert!(key.open(&PLACE, &noise).is_err());
        let damaged = WrappedDataKey { wrapped: noise, ..stored };
        prop_assert!(vault().unwrap(&damaged).is_err());
    }
}
