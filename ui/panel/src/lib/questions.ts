/** What is asked before control passes, a session is ended, or somebody is let in no more. */
import type { PolicyView, SessionView, TokenView } from '@killcord/client';
import { afterControl, goesWith, named, tokenName } from './guests';

/** What the person is about to do. */
export type Question =
  | { readonly what: 'take' }
  | { readonly what: 'release' }
  | { readonly what: 'give'; readonly to: SessionView }
  | { readonly what: 'end'; readonly session: SessionView }
  | { readonly what: 'revoke'; readonly token: TokenView };

/** A question in words. */
export interface Asked {
  readonly title: string;
  readonly text: readonly string[];
  /** On the button that does it. */
  readonly act: string;
}

/** What the words depend on. */
export interface Known {
  readonly policy: PolicyView | null;
  readonly tokens: readonly TokenView[];
  /** Whether somebody else asks for control. */
  readonly asked: boolean;
}

/** The question in words, with what comes of it for the bench. */
export function inWords(question: Question, { policy, tokens, asked }: Known): Asked {
  switch (question.what) {
    case 'take':
      return {
        title: 'Take control without asking?',
        text: [
          'Whoever is in control loses it at once, in the middle of whatever they do. What they sent and is still under way is refused.',
          'The rig stays as it is.',
        ],
        act: 'Take control now',
      };
    case 'release':
      return {
        title: 'Release control?',
        text: asked
          ? ['Another session asks for control: it gets it, and the rig stays as it is. You will observe.']
          : ['Nobody is in control then; anybody who may operate can take it.', afterControl(policy)],
        act: asked ? 'Give control' : 'Release control',
      };
    case 'give':
      return {
        title: `Give control to ${named(question.to)}?`,
        text: ['It is in control at once, and the rig stays as it is. You will observe.'],
        act: 'Give control',
      };
    case 'end': {
      const { session } = question;
      const inControl = session.role === 'operator';
      return {
        title: `End ${named(session)}?`,
        text: [
          'Its page is told that an operator ended it. Whoever is there can reload it and is back: to keep somebody out, revoke what let them in.',
          inControl ? `It is in control. ${afterControl(policy)}` : 'It is observing: nothing on the bench depends on it.',
        ],
        act: 'End the session',
      };
    }
    case 'revoke':
      return revoked(question.token, tokens, policy);
  }
}

function revoked(token: TokenView, tokens: readonly TokenView[], policy: PolicyView | null): Asked {
  const others = goesWith(token.name, tokens).slice(1);
  const names = others.map(tokenName).join(', ');
  return {
    title: `Revoke ${tokenName(token)}?`,
    text: [
      `${token.is_browser ? 'This browser' : 'Whoever has this key'} is let in no more, and its sessions end at once.`,
      ...(names ? [`So does everybody whom it has let in: ${names}.`] : []),
      ...(others.some(({ here }) => here) ? ['The browser that you are using is among them.'] : []),
      `If one of these sessions is in control: ${lower(afterControl(policy))}`,
    ],
    act: 'Revoke',
  };
}

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
