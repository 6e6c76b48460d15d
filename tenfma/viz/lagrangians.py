"""Lagrangians that the mechanics notebook starts from, as text: to offer them nothing needs to be loaded."""

#: Lagrangians to start from; a velocity is a v before its coordinate's name, v alone belongs to q
EXAMPLES = {
    "pendulum": "v**2/2 + cos(q)",
    "spring": "m*v**2/2 - k*q**2/2",
    "kepler": "(vr**2 + r**2*vphi**2)/2 + 1/r",
    "hoop": "vtheta**2/2 + w**2*sin(theta)**2/2 + cos(theta)",
    "magnetic": "(vx**2 + vy**2)/2 + B*(x*vy - y*vx)/2",
    "springs": "(vx**2 + vy**2)/2 - (x**2 + y**2)/2 - c*(x - y)**2/2",
}
