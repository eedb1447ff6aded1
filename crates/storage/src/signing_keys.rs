//! The platform's own key pairs, the private halves sealed: its authority, its answers, its tokens.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::SigningKeyId;

use crate::entities::signing_keys;
use crate::error::{StorageError, column, database, inserting};
use crate::{Access, Tx};

const TABLE: &str = "signing_keys";

/// What a key pair of the platform's signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SigningPurpose {
    /// Certificates.
    Authority,
    /// Answers to signed requests.
    Answers,
    /// Access tokens.
    Tokens,
}

impl SigningPurpose {
    /// The word stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Answers => "answers",
            Self::Tokens => "tokens",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Authority, Self::Answers, Self::Tokens]
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
    }
}

/// A key pair as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSigningKey {
    /// Its id; the private half is sealed for the row of this name.
    pub id: SigningKeyId,
    /// What it signs.
    pub purpose: SigningPurpose,
    /// The how-manieth of its purpose it is, from 1.
    pub generation: i64,
    /// What signatures name it by.
    pub serial: String,
    /// Whose data key seals the private half.
    pub owner: String,
    /// The sealed private half.
    pub private_key: Vec<u8>,
    /// The certificate, or the public key.
    pub public_part: String,
    /// When it begins to sign; it is published before.
    pub signs_from: Timestamp,
    /// When what it signed counts no more.
    pub ends_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Records a key pair; a duplicate says that another node has made this generation.
pub async fn insert(tx: &Tx, key: &StoredSigningKey) -> Result<(), StorageError> {
    let row = signing_keys::ActiveModel {
        id: Set(key.id.to_string()),
        purpose: Set(key.purpose.as_str().to_owned()),
        generation: Set(key.generation),
        serial: Set(key.serial.clone()),
        owner: Set(key.owner.clone()),
        private_key: Set(key.private_key.clone()),
        public_part: Set(key.public_part.clone()),
        signs_from: Set(key.signs_from.as_millis()),
        ends_at: Set(key.ends_at.as_millis()),
        created_at: Set(key.created_at.as_millis()),
    };
    signing_keys::Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Lists the key pairs of a purpose that have not ended at `now`, and the newest whether it has or not; oldest first.
pub async fn list(
    at: &impl Access,
    purpose: SigningPurpose,
    now: Timestamp,
) -> Result<Vec<StoredSigningKey>, StorageError> {
    use signing_keys::Column;
    let rows = signing_keys::Entity::find()
        .filter(Column::Purpose.eq(purpose.as_str()))
        .order_by_asc(Column::Generation)
        .all(at.connection())
        .await
        .map_err(database("reading the platform's keys"))?;
    let newest = rows.last().map_or(0, |row| row.generation);
    rows.into_iter()
        .filter(|row| row.ends_at > now.as_millis() || row.generation == newest)
        .map(to_key)
        .collect()
}

fn to_key(row: signing_keys::Model) -> Result<StoredSigningKey, StorageError> {
    let id = row.id.as_str();
    let purpose = SigningPurpose::parse(&row.purpose).ok_or(());
    Ok(StoredSigningKey {
        id: column(TABLE, "id", id, id.parse())?,
        purpose: column(TABLE, "purpose", id, purpose)?,
        generation: row.generation,
        serial: row.serial,
        owner: row.owner,
        private_key: row.private_key,
        public_part: row.public_part,
        signs_from: Timestamp::from_millis(row.signs_from),
        ends_at: Timestamp::from_millis(row.ends_at),
        created_at: Timestamp::from_millis(row.created_at),
    })
}
