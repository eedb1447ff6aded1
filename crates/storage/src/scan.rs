//! One page of a long list: a range of an index, narrowed row by row, and never more rows looked at than a bound.
//!
//! A filter that has an index of its own leads; the others narrow. Whatever is asked for, a page costs no more than its
//! bound: one that found little says where to go on.

use sea_orm::sea_query::{Condition, Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait};
use tributary_domain::clock::Timestamp;
pub use tributary_domain::cursor::Place;
use tributary_domain::ids::sortable_text;

use crate::Access;
use crate::books::sum;

/// Rows that one page looks at at most when a filter has no index of its own.
pub(crate) const SCAN_ROWS_MAX: u64 = 10_000;
/// Rows that a sum is made of at most.
pub(crate) const SUM_ROWS_MAX: u64 = 50_000;
/// The name of the rows that a page may look at.
const NEAR: &str = "near";
/// The characters of an id's body that tell its millisecond: 48 bits in base 32.
const MILLISECOND_CHARS: usize = 10;

/// The rows of a page, and where the rest of the list begins, if there is any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned<T> {
    /// What was found, newest first.
    pub items: Vec<T>,
    /// The last row that was looked at; absent at the end of the list.
    pub next: Option<Place>,
}

/// A sum over a list, and whether it is of the whole list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summed {
    /// How many rows.
    pub(crate) count: i64,
    /// The sums of the columns asked for.
    pub(crate) sums: Vec<i64>,
    /// Whether every row was looked at.
    pub(crate) complete: bool,
}

/// How a list is gone through, newest first.
#[derive(Clone, Debug)]
pub(crate) struct Path<E: EntityTrait> {
    /// The id, which sorts by time.
    pub(crate) id: E::Column,
    /// What sorts before the id.
    pub(crate) by: Option<E::Column>,
    /// What an index answers.
    pub(crate) lead: Condition,
    /// What is looked at in each row.
    pub(crate) narrow: Condition,
    /// Rows that a page looks at at most.
    pub(crate) rows_max: u64,
}

/// The smallest id of a kind that can have been made at an instant.
pub(crate) fn id_floor(prefix: &str, at: Timestamp) -> String {
    let text = sortable_text(at);
    let millisecond = text.get(..MILLISECOND_CHARS).unwrap_or_default();
    format!("{prefix}_{millisecond}")
}

impl<E: EntityTrait> Path<E> {
    fn range(&self, after: Option<&Place>) -> SelectStatement {
        let mut range = Query::select();
        range
            .from(E::default().table_ref())
            .cond_where(self.lead.clone())
            .cond_where(self.behind(after));
        self.sort(&mut range);
        range
    }

    /// What comes after a row.
    fn behind(&self, after: Option<&Place>) -> Condition {
        let all = Condition::all();
        let Some(after) = after else { return all };
        let smaller = self.id.lt(after.id.as_str());
        match (self.by, after.at) {
            (Some(by), Some(at)) => all
                .add(by.lte(at))
                .add(Condition::any().add(by.lt(at)).add(smaller)),
            _ => all.add(smaller),
        }
    }

    fn sort(&self, statement: &mut SelectStatement) {
        if let Some(by) = self.by {
            statement.order_by(by.as_column_ref(), Order::Desc);
        }
        statement.order_by(self.id.as_column_ref(), Order::Desc);
    }

    fn show_place(&self, statement: &mut SelectStatement) {
        statement.column(self.id.as_column_ref());
        if let Some(by) = self.by {
            statement.column(by.as_column_ref());
        }
    }

    /// The statement that finds a page.
    pub(crate) fn page(&self, after: Option<&Place>, limit: u64) -> SelectStatement {
        let mut near = self.range(after);
        self.show_place(&mut near);
        if self.narrow.is_empty() {
            near.limit(limit);
            return near;
        }
        let mut page = self.narrowed(near, self.rows_max);
        for column in self.by.into_iter().chain([self.id]) {
            page.order_by((NEAR, column.as_column_ref().1), Order::Desc);
        }
        self.show_place(&mut page);
        page.limit(limit);
        page
    }

    /// The first rows of a range, narrowed. Only ids are read of the range, because then nothing but the index that
    /// answers the whole lead is worth reading.
    fn narrowed(&self, mut near: SelectStatement, rows_max: u64) -> SelectStatement {
        near.limit(rows_max);
        let id = self.id.as_column_ref().1;
        let same = Expr::col((NEAR, id)).equals(self.id.as_column_ref());
        let mut narrowed = Query::select();
        narrowed
            .from_subquery(near, NEAR)
            .inner_join(E::default().table_ref(), same)
            .cond_where(self.narrow.clone());
        narrowed
    }

    /// Finds at most `limit` rows after a place.
    pub(crate) async fn scan(
        &self,
        at: &impl Access,
        after: Option<&Place>,
        limit: u64,
    ) -> Result<Scanned<String>, DbErr> {
        let mut places = self
            .places(at, self.page(after, limit.saturating_add(1)))
            .await?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let next = if places.len() > wanted {
            places.truncate(wanted);
            places.last().cloned()
        } else if self.narrow.is_empty() {
            None
        } else {
            self.bound(at, after).await?
        };
        Ok(Scanned {
            items: places.into_iter().map(|place| place.id).collect(),
            next,
        })
    }

    /// The last row that a page could look at, when the list does not end before it.
    async fn bound(&self, at: &impl Access, after: Option<&Place>) -> Result<Option<Place>, DbErr> {
        let mut last = self.range(after);
        self.show_place(&mut last);
        last.offset(self.rows_max.saturating_sub(1)).limit(1);
        Ok(self.places(at, last).await?.pop())
    }

    async fn places(
        &self,
        at: &impl Access,
        statement: SelectStatement,
    ) -> Result<Vec<Place>, DbErr> {
        let rows = at.connection().query_all(&statement).await?;
        let read = |row: &sea_orm::QueryResult| {
            Ok(Place {
                id: row.try_get_by_index(0)?,
                at: match self.by {
                    Some(_) => row.try_get_by_index(1)?,
                    None => None,
                },
            })
        };
        rows.iter().map(read).collect()
    }

    /// Counts the rows of the list and adds up some of its columns, over a bounded number of rows.
    pub(crate) async fn sums(
        &self,
        at: &impl Access,
        columns: &[E::Column],
    ) -> Result<Summed, DbErr> {
        let mut near = self.range(None);
        self.show_place(&mut near);
        let mut summed = self.narrowed(near, SUM_ROWS_MAX);
        summed.expr(Expr::val(1).count());
        for column in columns {
            summed.expr(sum(column.into_expr()));
        }
        let row = at.connection().query_one(&summed).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("a sum".to_owned()))?;
        let read = |index: usize| Ok(row.try_get_by_index::<Option<i64>>(index)?.unwrap_or(0));
        let sums = (1..=columns.len()).map(read);
        let mut beyond = self.range(None);
        beyond
            .column(self.id.as_column_ref())
            .offset(SUM_ROWS_MAX)
            .limit(1);
        Ok(Summed {
            count: read(0)?,
            sums: sums.collect::<Result<_, DbErr>>()?,
            complete: at.connection().query_one(&beyond).await?.is_none(),
        })
    }
}
