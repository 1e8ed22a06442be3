"""Links to carriers, pools of them, and a carrier to rehearse against."""
