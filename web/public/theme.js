// Sets the chosen theme before the first paint; a separate file because the content security policy allows no inline script.
(function () {
  try {
    var theme = localStorage.getItem('kith.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be forbidden; the system's preference then decides.
  }
})();
