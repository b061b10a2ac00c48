/** Runs the programs of docs/api.md one after the other, in one process, because starting is what takes long. */
await import('./api/print.ts');
await import('./api/progress.ts');
await import('./api/result.ts');
await import('./api/stop.ts');
