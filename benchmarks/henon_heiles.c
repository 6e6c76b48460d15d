/* Leapfrog on Henon-Heiles, H = (px^2 + py^2)/2 + (x^2 + y^2)/2 + x^2 y - y^3/3, one gradient a step.
   state: x, y, px, py; out: NULL, or steps rows of x, y, px, py, energy. */
static double energy(double x, double y, double px, double py)
{
    return 0.5 * (px * px + py * py + x * x + y * y) + x * x * y - y * y * y / 3.0;
}

void leapfrog(double *state, double h, long steps, double *out)
{
    double x = state[0], y = state[1], px = state[2], py = state[3];
    const double half = 0.5 * h;
    double gx = x + 2.0 * x * y, gy = y + x * x - y * y;
    for (long k = 0; k < steps; k++) {
        px -= half * gx;
        py -= half * gy;
        x += h * px;
        y += h * py;
        gx = x + 2.0 * x * y;
        gy = y + x * x - y * y;
        px -= half * gx;
        py -= half * gy;
        if (out) {
            out[5 * k] = x;
            out[5 * k + 1] = y;
            out[5 * k + 2] = px;
            out[5 * k + 3] = py;
            out[5 * k + 4] = energy(x, y, px, py);
        }
    }
    state[0] = x;
    state[1] = y;
    state[2] = px;
    state[3] = py;
}
