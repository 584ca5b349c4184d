"""Interlock settles tokenised-asset trades delivery-versus-payment: both legs move, or neither does."""
