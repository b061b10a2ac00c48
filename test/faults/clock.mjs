// Loaded into the product before anything else (node --import): SIGUSR2 sets its clock, as an administrator or NTP would.
const step = Number(process.env.JWT_E2E_FAULTS_CLOCK_STEP ?? 0);
const now = Date.now.bind(Date);
const Real = Date;
let shift = 0;
process.on('SIGUSR2', () => {
  shift = step;
});
Date.now = () => now() + shift;
globalThis.Date = new Proxy(Real, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now() + shift] : args, newTarget),
  apply: () => new Real(now() + shift).toString(),
});
