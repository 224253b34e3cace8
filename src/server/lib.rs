//! kith-server
