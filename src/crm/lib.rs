//! kith-crm
