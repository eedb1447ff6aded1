//! The admin API: one file per noun. A handler authenticates, parses, makes one call into operations, renders.

/// Every operation, in the order of the document.
pub(crate) type AdminApi = ();

/// The whole API. It holds nothing: a session brings what a handler needs.
pub(crate) const ADMIN_API: AdminApi = ();
