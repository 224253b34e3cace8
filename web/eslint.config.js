import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

/** Plain TypeScript stays free of the framework: it can then be tested, and kept, without it. */
const noFramework = {
  patterns: [
    {
      group: ['svelte', 'svelte/*', 'bits-ui', '@lucide/svelte'],
      message: 'Only .svelte and .svelte.ts files know the framework.',
    },
  ],
};

export default ts.config(
  { ignores: ['dist/**', 'node_modules/**', 'src/api/schema.d.ts'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig } },
    rules: {
      // Our router is our own; `resolve` belongs to another one.
      'svelte/no-navigation-without-resolve': 'off',
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['**/*.svelte.ts', 'src/main.ts', 'src/components/icons.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { ...noFramework, patterns: noFramework.patterns.map((p) => ({ ...p, allowTypeImports: true })) },
      ],
    },
  },
  {
    rules: {
      'no-console': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // Knows no getters and setters of private state in Svelte classes.
      'no-unused-private-class-members': 'off',
      'svelte/no-useless-children-snippet': 'off',
      'no-undef': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  { files: ['scripts/**'], rules: { 'no-console': 'off' } },
);
