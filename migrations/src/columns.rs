//! The few kinds of column that the schema is made of, so that each means the same everywhere.

use sea_orm_migration::prelude::*;

/// An id of ours: a prefix and 26 characters.
pub(crate) fn id(name: &'static str) -> ColumnDef {
    required(name, |c| c.string_len(40))
}

/// An id of ours that may be absent.
pub(crate) fn id_null(name: &'static str) -> ColumnDef {
    optional(name, |c| c.string_len(40))
}

/// A short closed word, such as a state or a mode.
pub(crate) fn word(name: &'static str) -> ColumnDef {
    required(name, |c| c.string_len(32))
}

/// A text of bounded length, at most 191 characters so that every database can index it.
pub(crate) fn short(name: &'static str) -> ColumnDef {
    required(name, |c| c.string_len(191))
}

/// A bounded text that may be absent.
pub(crate) fn short_null(name: &'static str) -> ColumnDef {
    optional(name, |c| c.string_len(191))
}

/// A long text, never searched.
pub(crate) fn text(name: &'static str) -> ColumnDef {
    required(name, ColumnDef::text)
}

/// A long text that may be absent.
pub(crate) fn text_null(name: &'static str) -> ColumnDef {
    optional(name, ColumnDef::text)
}

/// An instant in milliseconds, an amount in fen, or a count.
pub(crate) fn number(name: &'static str) -> ColumnDef {
    required(name, ColumnDef::big_integer)
}

/// A number that may be absent.
pub(crate) fn number_null(name: &'static str) -> ColumnDef {
    optional(name, ColumnDef::big_integer)
}

/// Bytes.
pub(crate) fn bytes(name: &'static str) -> ColumnDef {
    required(name, ColumnDef::blob)
}

/// Bytes that may be absent.
pub(crate) fn bytes_null(name: &'static str) -> ColumnDef {
    optional(name, ColumnDef::blob)
}

/// A yes or no.
pub(crate) fn flag(name: &'static str) -> ColumnDef {
    required(name, ColumnDef::boolean)
}

fn required(name: &'static str, kind: fn(&mut ColumnDef) -> &mut ColumnDef) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    kind(&mut column).not_null();
    column
}

fn optional(name: &'static str, kind: fn(&mut ColumnDef) -> &mut ColumnDef) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    kind(&mut column).null();
    column
}

/// Creates one table with its primary key.
pub(crate) async fn create_table(
    manager: &SchemaManager<'_>,
    name: &'static str,
    columns: Vec<ColumnDef>,
    key: &[&'static str],
) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table(name);
    for mut column in columns {
        table.col(&mut column);
    }
    let mut primary = Index::create();
    for column in key {
        primary.col(*column);
    }
    manager
        .create_table(table.primary_key(&mut primary).to_owned())
        .await
}

/// A count or an amount that rows of before have as zero.
pub(crate) fn number_zero(name: &'static str) -> ColumnDef {
    required(name, |c| c.big_integer().default(0))
}

/// A version that rows of before begin with.
pub(crate) fn number_one(name: &'static str) -> ColumnDef {
    required(name, |c| c.big_integer().default(1))
}

/// A closed word that rows of before have as `value`.
pub(crate) fn word_default(name: &'static str, value: &'static str) -> ColumnDef {
    let mut column = word(name);
    column.default(value);
    column
}

/// Adds columns; each is absent or has a default, so that yesterday's code can go on inserting.
pub(crate) async fn add_columns(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: Vec<ColumnDef>,
) -> Result<(), DbErr> {
    for mut column in columns {
        let mut alter = Table::alter();
        alter.table(table).add_column(&mut column);
        manager.alter_table(alter).await?;
    }
    Ok(())
}

/// Drops columns again.
pub(crate) async fn drop_columns(
    manager: &SchemaManager<'_>,
    table: &'static str,
    names: &[&'static str],
) -> Result<(), DbErr> {
    for name in names {
        let mut alter = Table::alter();
        alter.table(table).drop_column(*name);
        manager.alter_table(alter).await?;
    }
    Ok(())
}

/// Creates one index, named after its table and columns.
pub(crate) async fn create_index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    manager.create_index(index(table, columns)).await
}

/// Drops the index that [`create_index`] made.
pub(crate) async fn drop_index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    let mut index = Index::drop();
    index
        .name(format!("ix_{table}_{}", columns.join("_")))
        .table(table);
    manager.drop_index(index).await
}

/// Creates one unique index.
pub(crate) async fn create_unique(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    manager
        .create_index(index(table, columns).unique().to_owned())
        .await
}

fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index
        .name(format!("ix_{table}_{}", columns.join("_")))
        .table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

/// Drops tables, last made first.
pub(crate) async fn drop_tables(
    manager: &SchemaManager<'_>,
    names: &[&'static str],
) -> Result<(), DbErr> {
    for name in names.iter().rev() {
        manager
            .drop_table(Table::drop().table(*name).to_owned())
            .await?;
    }
    Ok(())
}
