/**
 * Reads kubeconfig files. Whoever needs it loads it when there is an API server to talk to: client-node has a thousand files,
 * and most commands need none of them.
 */
import { KubeConfig } from '@kubernetes/client-node';
import { HarnessError } from '../base/errors.ts';
import { lookAt } from '../base/files/limited-file.ts';
import { nameOfError } from '../base/names.ts';

/** Loads a kubeconfig file (or KUBECONFIG, or the default one) and selects a context. */
export function loadKubeConfig(options: {
  file?: string | undefined;
  context?: string | undefined;
}): KubeConfig {
  const config = new KubeConfig();
  const looked = options.file === undefined ? undefined : lookAt(options.file);
  if (looked !== undefined && looked.stat === undefined)
    throw new HarnessError('E_SETTINGS', `kubeconfig ${options.file} ${looked.why}`, {
      hint: 'Give an existing file with --kubeconfig, or set KUBECONFIG.',
    });
  try {
    if (options.file === undefined) config.loadFromDefault();
    // Not from a string: paths of certificates in the file are relative to its folder.
    else config.loadFromFile(options.file);
  } catch (thrown) {
    throw new HarnessError(
      'E_SETTINGS',
      `cannot read kubeconfig ${options.file ?? '(KUBECONFIG or the default one)'}: ${nameOfError(thrown)}`,
      {
        hint: 'Give an existing file with --kubeconfig, or set KUBECONFIG.',
      },
    );
  }
  // What client-node makes up when it finds no kubeconfig at all.
  if (config.getCurrentContext() === 'loaded-context' && options.file === undefined) {
    throw new HarnessError('E_SETTINGS', 'there is no kubeconfig', {
      hint: 'Give a file with --kubeconfig, or set KUBECONFIG.',
    });
  }
  if (options.context !== undefined) {
    if (config.getContextObject(options.context) === null) {
      const names = config.getContexts().map((context) => context.name);
      throw new HarnessError('E_SETTINGS', `kubeconfig has no context "${options.context}"`, {
        hint: names.length > 0 ? `It has: ${names.join(', ')}.` : 'It has no contexts at all.',
      });
    }
    config.setCurrentContext(options.context);
  }
  if (config.getCurrentCluster() === null) {
    throw new HarnessError('E_SETTINGS', 'kubeconfig has no current context', {
      hint: 'Name one with --context, or give a file with --kubeconfig.',
    });
  }
  return config;
}
