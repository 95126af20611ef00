import os


class Conf(dict):
  """Settings by name, as attributes."""

  def __getattr__(self, name):
    try:
      return self[name]
    except KeyError:
      raise AttributeError(name)


def _value(text):
  for kind in (int, float):
    try:
      return kind(text)
    except ValueError:
      pass
  return text


def load_conf(path=os.path.join(os.path.dirname(os.path.abspath(__file__)), 'nais.yaml')):
  """Flat YAML: `name: value` lines and comments."""
  conf = Conf()
  with open(path) as f:
    for line in f:
      line = line.split('#')[0].strip()
      if line:
        name, text = line.split(':', 1)
        conf[name.strip()] = _value(text.strip())
  return conf
