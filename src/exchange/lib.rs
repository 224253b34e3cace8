//! kith-exchange
